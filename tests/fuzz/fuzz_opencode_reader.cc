// Any rows can be read as a session of OpenCode. A line is a row: the letter `m`
// and a message, or `p` and a part of the message before it.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hosts/opencode/record.h"
#include "hosts/opencode/session.h"
#include "input.h"

namespace selftune {
namespace {

namespace opencode = hosts::opencode;

struct Rows {
  opencode::MessageRow message;
  std::vector<opencode::Part> parts;
};

std::vector<Rows> ReadRows(std::string_view text) {
  base::LineParser parser;
  std::vector<Rows> rows;
  for (const std::string_view line : fuzz::Lines(text)) {
    if (line.empty()) continue;
    const fuzz::Input json(line.substr(1));
    const std::string id = "id" + std::to_string(line.data() - text.data());
    if (line[0] == 'm') {
      opencode::MessageRow message;
      if (!opencode::ParseMessage(json.text(), parser, message).ok()) continue;
      message.id = id;
      rows.push_back({std::move(message), {}});
    } else if (!rows.empty()) {
      opencode::Part part;
      const bool user = rows.back().message.role == opencode::Role::kUser;
      if (!opencode::ParsePart(json.text(), {.text = user}, parser, part).ok()) continue;
      part.id = id;
      rows.back().parts.push_back(std::move(part));
    }
  }
  return rows;
}

ingest::SessionFacts ReadSession(const std::vector<Rows>& rows, const ingest::KeySet* copied) {
  opencode::SessionRow row;
  row.id = "ses";
  row.directory = "/home/dev/work";
  row.may_be_run = true;
  opencode::Session session(row, /*internal=*/false, copied);
  ingest::Batch batch;
  for (const Rows& one : rows) session.Add(one.message, one.parts, batch);
  session.Finish(batch);
  return batch.sessions[0];
}

}  // namespace
}  // namespace selftune

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace selftune;
  const auto rows = ReadRows(fuzz::AsText(data, size));
  const ingest::SessionFacts facts = ReadSession(rows, nullptr);
  for (const ingest::ToolDelta& tool : facts.metrics.tools) {
    fuzz::Require(tool.errors + tool.unfinished <= tool.calls, "an error belongs to a call");
    fuzz::Require(tool.nonzero_exits + tool.denied <= 2 * tool.errors, "a status is an error");
  }
  int32_t seq = 0;
  for (const ingest::PromptFact& prompt : facts.prompts) {
    fuzz::Require(prompt.seq == seq++, "prompts are numbered in order");
  }
  const ingest::KeySet owned(facts.record_keys.begin(), facts.record_keys.end());
  const ingest::SessionFacts copy = ReadSession(rows, &owned);
  fuzz::Require(copy.prompts.empty() && copy.metrics.tools.empty(), "copies count nothing");
  return 0;
}
