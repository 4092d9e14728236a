// Parts of records that occur in several places. Internal to record.cc.
#pragma once

#include <string_view>

#include "base/json_object.h"
#include "hosts/codex/record.h"

namespace selftune::hosts::codex {

// The string, "" for another type.
[[nodiscard]] std::string_view Text(base::JsonField& value);
void ReadUsage(base::JsonField& value, Usage& usage);
void ReadMeta(std::string_view key, base::JsonField& value, Meta& meta);

// A message, also one of `replacement_history`: appends its texts to
// `record.parts` and returns its role. Answers of the model are not unescaped.
struct MessageHead {
  Role role = Role::kUnknown;
  std::string_view id, turn_id;
};
void ReadMessageField(std::string_view key, base::JsonField& value, MessageHead& head,
                      std::vector<std::string_view>& kinds, std::vector<Part>& parts);
// Joins what ReadMessageField found, once the message has been walked.
void FinishMessage(const MessageHead& head, const std::vector<std::string_view>& kinds,
                   std::vector<Part>& parts, size_t first_part);

void ReadOutput(base::JsonField& value, Record& record);
// `parsed_cmd`: paths of the commands the host says are reads.
void ReadParsedCommands(base::JsonField& value, std::vector<std::string_view>& paths);
// The texts of a UserMessage item.
void ReadPromptContent(base::JsonField& value, Record& record);

}  // namespace selftune::hosts::codex
