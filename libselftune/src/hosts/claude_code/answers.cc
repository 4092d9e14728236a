#include "hosts/claude_code/answers.h"

#include <algorithm>
#include <cstddef>

#include "hosts/common/raw_text.h"

namespace selftune::hosts::claude_code {
namespace {

constexpr size_t kOpenAnswers = 8;

void AddTokens(const Usage& now, const Usage& before, ingest::TokenDelta& tokens) {
  tokens.input_uncached += now.input - before.input;
  tokens.cache_read += now.cache_read - before.cache_read;
  tokens.cache_write += now.cache_write - before.cache_write;
  tokens.output += now.output - before.output;
  tokens.reasoning += now.reasoning - before.reasoning;
  if (now.has_reasoning || now.reasoning != before.reasoning) tokens.known_reasoning = true;
}

}  // namespace

void Answers::Add(const Record& record, ingest::MetricDelta& metrics) {
  // A record without message.id is an answer of its own.
  const RawText& id = record.message_id.empty() ? record.uuid : record.message_id;
  const uint64_t key = RecordKey(id.escaped());
  auto found = std::find_if(open_.begin(), open_.end(),
                            [key](const Open& open) { return open.message == key; });
  if (found == open_.end()) {
    if (open_.size() >= kOpenAnswers) open_.erase(open_.begin());
    open_.push_back({.message = key, .usage = {}});
    found = open_.end() - 1;
    ++metrics.answers;
  }
  if (!record.usage.present) return;
  AddTokens(record.usage, found->usage, metrics.tokens);
  found->usage = record.usage;
}

void Answers::Save(base::JsonWriter& w) const {
  w.BeginArray();
  for (const Open& open : open_) {
    w.BeginArray().Int(static_cast<int64_t>(open.message));
    w.Int(open.usage.input).Int(open.usage.cache_write).Int(open.usage.cache_read);
    w.Int(open.usage.output).Int(open.usage.reasoning).EndArray();
  }
  w.EndArray();
}

Answers Answers::Load(const base::JsonValue& value) {
  Answers answers;
  for (const base::JsonValue& item : value.items()) {
    const auto& parts = item.items();
    if (parts.size() != 6) continue;
    Open& open = answers.open_.emplace_back();
    open.message = static_cast<uint64_t>(parts[0].AsInt());
    open.usage.present = true;
    open.usage.input = parts[1].AsInt();
    open.usage.cache_write = parts[2].AsInt();
    open.usage.cache_read = parts[3].AsInt();
    open.usage.output = parts[4].AsInt();
    open.usage.reasoning = parts[5].AsInt();
  }
  return answers;
}

}  // namespace selftune::hosts::claude_code
