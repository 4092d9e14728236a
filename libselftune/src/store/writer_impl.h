// Private to the IngestWriter: what it remembers between calls.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/crypto.h"
#include "base/error.h"
#include "base/string_map.h"
#include "store/db.h"
#include "store/ingest_writer.h"
#include "store/listing.h"
#include "store/recent_map.h"
#include "store/rows.h"

namespace selftune::store {

// What of a session was forgotten (forget.h).
struct ForgottenOf {
  bool all = false;
  std::set<std::string, std::less<>> texts;  // keys
  [[nodiscard]] bool none() const { return !all && texts.empty(); }
};

// What the writer knows of a session it is writing.
struct SessionMemo {
  SessionPk pk;
  std::string platform, id;
  SessionKind kind = SessionKind::kMain;
  PromptPk parent_prompt;  // of a linked subagent
  int rank = 0;            // of the strongest capture that told about it
  bool made_here = false;  // nobody can have told of it before
  // Highest prompt number; loaded on first need.
  std::optional<int32_t> max_seq;
  // How often each text was a prompt so far; loaded on first need.
  std::optional<std::unordered_map<int64_t, int64_t>> text_counts;
  // The prompt looked up last: most facts of a batch are about one.
  int32_t last_seq = -1;
  PromptPk last_prompt;
  // Are there prompts that only hooks know? Loaded on first need.
  std::optional<bool> hook_prompts;
  // What the model is offered right now; loaded on first need.
  std::optional<ShownState> shown;
  // What of it is not to be kept; loaded on first need.
  std::optional<ForgottenOf> forgotten;
  // Are the shares of its files kept apart? Loaded on first need.
  std::optional<bool> shared;
  // Numbers events of one line.
  SourceId event_source;
  uint64_t event_offset = 0;
  std::vector<std::pair<EventKind, int64_t>> event_counts;
};

// What a prompt is that nothing says more about: people talk to main sessions.
[[nodiscard]] PromptKind TypedIn(SessionKind session);

struct IngestWriter::Impl {
  Impl(Db& database, UtcMillis time) : db(database), now(time) {}

  // Drops what another process or a rollback may have made wrong.
  Status CheckMemory();
  // The memo of a session; SESSION_NOT_FOUND. Valid until the next call.
  StatusOr<SessionMemo*> Memo(SessionPk session);
  StatusOr<SessionPk> FindSession(std::string_view platform, std::string_view id);
  StatusOr<SessionPk> EnsureSession(std::string_view platform, std::string_view id);
  Status EnsureHost(std::string_view platform);
  StatusOr<SkillId> EnsureSkill(std::string_view name);
  StatusOr<BodyId> InternBody(std::string_view text) {
    return InternBody(text, base::Sha256(text));
  }
  // `digest`: of the text.
  StatusOr<BodyId> InternBody(std::string_view text, const base::Sha256Digest& digest);
  StatusOr<int64_t> FindBody(std::string_view sha256);
  // Shall words of this session and moment not be kept? `text`: these words.
  StatusOr<bool> IsForgotten(SessionMemo& memo, std::optional<UtcMillis> at, std::string_view text);
  Status LoadForgetRules();
  Status LoadForgotten(SessionMemo& memo);
  StatusOr<bool> IsForgottenAbove(const SessionMemo& memo);
  // The words of a prompt; a row without them when they are not to be kept.
  // `digest`: of the words, where it is known already.
  StatusOr<BodyId> PromptBody(SessionMemo& memo, std::optional<UtcMillis> at, std::string_view text,
                              const std::optional<base::Sha256Digest>& digest = std::nullopt);
  // Shall what was said with the prompt `seq` not be kept?
  StatusOr<bool> IsPromptForgotten(SessionMemo& memo, std::optional<UtcMillis> at,
                                   std::optional<int32_t> seq);
  StatusOr<int64_t> EnsureWorkspace(std::string_view path, std::string_view repo_remote);
  // The actionable prompt `seq` of the session; 0 when there is none (yet).
  StatusOr<PromptPk> ActionablePrompt(SessionMemo& memo, int32_t seq);
  // Gives every prompt of the session that has one of `bodies` (0 = any) its
  // key anew.
  Status Rekey(SessionMemo& memo, int64_t body_a, int64_t body_b);
  StatusOr<bool> HasHookPrompts(SessionMemo& memo);
  // Before a stronger word about prompt `row.seq`: the hook's prompt that it is
  // about gets this number, another that has it gives it up.
  Status MakeRoomForPrompt(SessionMemo& memo, const PromptRow& row, BodyId body);
  // A file tells the session from now on: what an import said of it goes, or is not believed.
  Status Outrank(const SessionMemo& memo);
  // The session that an import knew without its host, which it has by now.
  StatusOr<SessionPk> Adopted(std::string_view platform, std::string_view id);
  Status SweepPrompts(SessionMemo& memo, int64_t generation);
  Status SweepObservations(SessionPk session, int64_t generation);
  void Forget(SessionPk session);

  Db& db;
  UtcMillis now;
  int64_t seen_rollbacks = 0;
  int64_t data_version = -1;
  int64_t txn_begun = -1;

  // Is anything forgotten, and everything before which moment? Loaded on first need.
  struct ForgetRules {
    bool any = false;
    std::optional<int64_t> before_ms;
    [[nodiscard]] bool some() const { return any || before_ms.has_value(); }
  };
  std::optional<ForgetRules> forget_rules;

  // Files are written one after the other; what a session was shown takes 15 KB.
  RecentMap<std::unordered_map<int64_t, std::unique_ptr<SessionMemo>>> sessions{32};
  RecentMap<base::StringMap<SessionPk>> session_ids{2048};
  RecentMap<base::StringMap<SkillId>> skills{4096};
  RecentMap<base::StringMap<BodyId>> bodies{1024};
  RecentMap<base::StringMap<int64_t>> workspaces{1024};
  RecentMap<std::unordered_map<const void*, std::vector<ListedSkill>>> tagged{64};
  base::StringSet hosts;
};

}  // namespace selftune::store
