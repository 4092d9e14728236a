#include "unit/hosts/codex_rollout.h"

#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "hosts/codex/source.h"

namespace selftune::testing::codex {

MergedStore ReadLines(const std::vector<std::string>& lines, Reading reading,
                      const ingest::KeySet* copied) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  const ingest::SourceFile file{"/s/rollout-2026-11-22T09-54-22-the-id.jsonl", "rollout", false};
  MergedStore store;
  ReadText(hosts::CodexSource(), file, text, reading, copied, store);
  return store;
}

const MergedSession& Only(const MergedStore& store) {
  REQUIRE(store.sessions.size() == 1);
  return store.sessions.begin()->second;
}

std::string Line(std::string_view type, std::string_view payload, int second) {
  return fmt::format(R"({{"timestamp":"2026-11-22T09:54:{:02}.000Z","type":"{}","payload":{}}})",
                     second, type, payload);
}
std::string MetaLine(std::string_view extra) {
  return Line("session_meta", fmt::format(R"({{"id":"the-id","cwd":"/home/dev/w"{}}})", extra));
}
std::string PromptLine(std::string_view text) {
  return Line("event_msg", fmt::format(R"({{"type":"user_message","message":"{}"}})", text));
}
std::string ItemLine(std::string_view text) {
  return Line(
      "event_msg",
      fmt::format(R"({{"type":"item_completed","turn_id":"t","item":{{"type":"UserMessage",)"
                  R"("id":"i","content":[{{"type":"text","text":"{}"}}]}}}})",
                  text));
}
std::string UserLine(std::string_view text) {
  return Line("response_item", fmt::format(R"({{"type":"message","role":"user","content":)"
                                           R"([{{"type":"input_text","text":"{}"}}]}})",
                                           text));
}
std::string AnswerLine() {
  return Line("response_item", R"({"type":"message","role":"assistant","content":[]})");
}
std::string ShellLine(std::string_view id, std::string_view command) {
  return Line("response_item",
              fmt::format(R"({{"type":"function_call","name":"exec_command","call_id":"{}",)"
                          R"("arguments":"{{\"cmd\":\"{}\"}}"}})",
                          id, command));
}
std::string OutputLine(std::string_view id, std::string_view output) {
  return Line(
      "response_item",
      fmt::format(R"({{"type":"function_call_output","call_id":"{}","output":"{}"}})", id, output));
}
std::string ExitLine(std::string_view id, int code, std::string_view output) {
  return OutputLine(
      id, fmt::format(R"(Chunk ID: 1\nProcess exited with code {}\nOutput:\n{})", code, output));
}
std::string TotalsLine(int64_t input, int64_t output, int64_t last_input, int64_t last_output) {
  return Line("event_msg",
              fmt::format(R"({{"type":"token_count","info":{{"total_token_usage":)"
                          R"({{"input_tokens":{},"output_tokens":{}}},"last_token_usage":)"
                          R"({{"input_tokens":{},"output_tokens":{}}}}}}})",
                          input, output, last_input, last_output));
}

}  // namespace selftune::testing::codex
