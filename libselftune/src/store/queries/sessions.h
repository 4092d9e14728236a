// Sessions and what happened in them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "store/db.h"
#include "store/queries/observations.h"
#include "store/queries/page.h"
#include "store/rows.h"

namespace selftune::store {

struct SessionItem {
  SessionPk pk;
  std::string platform, session_id, kind, root_session_id, agent_type, model, completion;
  std::string workspace_path, branch, forked_from, source_path;
  std::optional<UtcMillis> started, ended;
  int64_t prompts = 0;              // of people
  std::vector<std::string> skills;  // triggered, distinct, by name
  int64_t tool_calls = 0, errors = 0, failed_turns = 0, interruptions = 0, compactions = 0;
  std::optional<int64_t> answers, input_tokens, output_tokens;
};
struct SessionListRequest {
  std::string platform = {}, kind = {};
  std::optional<SkillId> skill = {};  // triggered in it
  TimeWindow window = {};             // of the start
  PageRequest page = {};
};
struct SessionPage {
  std::vector<SessionItem> items;  // newest first
  std::string next;
};
[[nodiscard]] StatusOr<SessionPage> ListSessions(Db& db, const SessionListRequest& request);

// One session by its host's id; SESSION_NOT_FOUND. `platform` "" = any, and
// INVALID_REQUEST when several have it.
[[nodiscard]] StatusOr<SessionItem> FindSession(Db& db, std::string_view platform,
                                                std::string_view session_id);

struct PromptItem {
  PromptPk pk;
  std::string prompt_id, kind;
  int32_t seq = 0;
  std::optional<std::string> text;
  std::optional<UtcMillis> at;
  std::string command_name, command_kind;
  bool active = true;
  std::optional<int64_t> source_offset, source_line;
};
[[nodiscard]] StatusOr<std::vector<PromptItem>> ReadPrompts(Db& db, SessionPk session);

struct ToolItem {
  std::string name;
  int64_t calls = 0, errors = 0, nonzero_exits = 0, denied = 0, unfinished = 0;
};
[[nodiscard]] StatusOr<std::vector<ToolItem>> ReadTools(Db& db, SessionPk session);

struct EventItem {
  std::string kind, detail;
  std::optional<UtcMillis> at;
  std::optional<int64_t> source_offset;
};
[[nodiscard]] StatusOr<std::vector<EventItem>> ReadEvents(Db& db, SessionPk session);

// The state a skill was offered in at a prompt (the last exposure row that
// holds for it).
struct ExposureItem {
  std::string skill, state, cause;
  std::optional<std::string> description;
  std::string skill_path;
  std::optional<int32_t> prompt_seq;
  std::optional<UtcMillis> at;
};
struct ExposureSnapshot {
  bool known = false;                // false: the source does not say what was offered
  std::vector<ExposureItem> skills;  // present ones, by name
};
// `prompt_seq` empty: at the end of the session.
[[nodiscard]] StatusOr<ExposureSnapshot> ReadExposure(Db& db, SessionPk session,
                                                      std::optional<int32_t> prompt_seq);

// Prompts with their text, for evaluation and mining: people's prompts, newest first.
struct PromptText {
  PromptPk pk;
  SessionPk session;
  std::string platform, session_id, text;
  int32_t seq = 0;
  std::optional<UtcMillis> at;
  bool active = true;
};
struct PromptTextPage {
  std::vector<PromptText> items;
  std::string next;
};
[[nodiscard]] StatusOr<PromptTextPage> ListPromptTexts(Db& db, const TimeWindow& window,
                                                       const PageRequest& page);

}  // namespace selftune::store
