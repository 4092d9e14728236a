// Tool calls that wait for their results, and what a result says.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_value.h"
#include "base/json_writer.h"
#include "hosts/claude_code/record.h"
#include "hosts/common/shell_skills.h"
#include "ingest/facts.h"

namespace selftune::hosts::claude_code {

enum class CallResult { kOk, kError, kNonzeroExit, kDenied };

// What the result `block` of `record` says about a call of `tool`.
// `old_host`: before 2.0, whose shell errors do not name the exit code.
[[nodiscard]] CallResult ClassifyResult(const Record& record, const Block& block,
                                        std::string_view tool, bool old_host);

struct OpenCall {
  enum class Use { kNone, kSkill, kRead, kChange, kShell, kAgent };
  std::string id, tool;
  int64_t turn = 0;
  Use use = Use::kNone;
  // kSkill, kRead, kShell: what becomes a fact when the call succeeds. The
  // shell has one fact a skill.
  std::vector<ingest::SkillFact> skills;
  std::vector<std::string> changed;  // kChange, kShell: SKILL.md files
  bool single_command = false;       // kShell: its status is that of the read
  std::optional<int32_t> prompt_seq;
  uint64_t task = 0;  // kAgent: key of the task's text
  std::string agent_type;
};

// Open calls by id, each call counted once. Calls that never get a result
// stay; the oldest are forgotten beyond a limit.
class OpenCalls {
 public:
  // False: this id was seen before.
  [[nodiscard]] bool Add(OpenCall call);
  // The call, taken out; nullopt when it is not open.
  [[nodiscard]] std::optional<OpenCall> Take(std::string_view id);
  [[nodiscard]] OpenCall* Find(std::string_view id);
  [[nodiscard]] bool AnyOfTurn(int64_t turn) const;
  // The oldest open agent call with this task.
  [[nodiscard]] OpenCall* FindAgent(uint64_t task);

  void Save(base::JsonWriter& w) const;  // two fields
  void Load(const base::JsonValue& state);

 private:
  std::vector<OpenCall> open_;
  std::vector<uint64_t> recent_;  // keys of ids, newest last
};

}  // namespace selftune::hosts::claude_code
