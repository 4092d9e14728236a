// Tokens and answers. Generation C writes one usage record an answer; older
// ones repeat cumulative totals, which may start again after a resume.
#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>

#include "hosts/codex/step.h"

namespace selftune::hosts::codex {
namespace {

constexpr size_t kMaxRecent = 8;
constexpr size_t kMaxCounted = 256;
constexpr size_t kMaxCompactions = 8;

uint64_t HashResponse(std::string_view id) {
  return base::FieldHash("codex-response").Add(id).Key8();
}

int64_t SumOf(const Usage& usage) { return usage.input + usage.output; }

Usage Minus(const Usage& a, const Usage& b) {
  Usage out = a;
  out.input = std::max<int64_t>(a.input - b.input, 0);
  out.cached = std::max<int64_t>(a.cached - b.cached, 0);
  out.cache_write = std::max<int64_t>(a.cache_write - b.cache_write, 0);
  out.output = std::max<int64_t>(a.output - b.output, 0);
  out.reasoning = std::max<int64_t>(a.reasoning - b.reasoning, 0);
  return out;
}

void AddTo(Usage& sum, const Usage& usage) {
  sum.present = true;
  sum.has_cache_write = sum.has_cache_write || usage.has_cache_write;
  sum.input += usage.input;
  sum.cached += usage.cached;
  sum.cache_write += usage.cache_write;
  sum.output += usage.output;
  sum.reasoning += usage.reasoning;
}

// The host's input holds what was read from and written to the cache, its
// output the reasoning.
void AddNormal(ingest::TokenDelta& tokens, const Usage& usage, int sign) {
  const int64_t cached = std::min(usage.cached, usage.input);
  const int64_t written = std::min(usage.cache_write, usage.input - cached);
  tokens.known_input = tokens.known_cache_read = true;
  tokens.known_output = tokens.known_reasoning = true;
  tokens.known_cache_write = tokens.known_cache_write || usage.has_cache_write;
  tokens.input_uncached += sign * (usage.input - cached - written);
  tokens.cache_read += sign * cached;
  tokens.cache_write += sign * written;
  tokens.output += sign * usage.output;
  tokens.reasoning += sign * std::min(usage.reasoning, usage.output);
}

void AddOverhead(ingest::TokenDelta& tokens, const Usage& usage) {
  tokens.known_overhead = true;
  tokens.overhead_input += usage.input;
  tokens.overhead_output += usage.output;
}

// The file has records after all: what token_count said is in them.
void DropProvisional(Step& step) {
  TokenState& tokens = step.state.tokens;
  tokens.has_records = true;
  if (tokens.provisional_answers == 0) return;
  AddNormal(step.out.metrics.tokens, tokens.provisional, -1);
  step.out.metrics.answers -= tokens.provisional_answers;
  tokens.provisional = Usage();
  tokens.provisional_answers = 0;
}

// What was used since the totals before; empty for a repetition.
Usage Since(const TokenState& before, const Record& record) {
  const Usage& total = record.total;
  const Usage& old = before.total;
  const bool same = total.input == old.input && total.output == old.output;
  const bool only_last = SumOf(old) > 0 && record.last.present &&
                         record.last.input == total.input && record.last.output == total.output;
  // Equal figures are a repetition, unless the host said that it starts anew.
  if (same && !(before.restarted && only_last)) return Usage();
  const bool continues = total.input >= old.input && total.output >= old.output;
  // A resumed session of an old version counts from zero again.
  const bool restarted = !continues || only_last;
  Usage used = restarted ? total : Minus(total, old);
  used.present = SumOf(used) > 0;
  return used;
}

}  // namespace

void ApplyUsage(Step& step) {
  TokenState& tokens = step.state.tokens;
  if (!step.record.total.present || step.state.in_copy) return;
  DropProvisional(step);
  const uint64_t key = HashResponse(step.record.response_id);
  if (!step.record.response_id.empty()) {
    if (std::find(tokens.counted.begin(), tokens.counted.end(), key) != tokens.counted.end()) {
      return;
    }
    if (tokens.counted.size() >= kMaxCounted) tokens.counted.erase(tokens.counted.begin());
    tokens.counted.push_back(key);
  }
  const auto compaction = std::find(tokens.compactions.begin(), tokens.compactions.end(), key);
  if (compaction != tokens.compactions.end()) {
    tokens.compactions.erase(compaction);
    AddOverhead(step.out.metrics.tokens, step.record.total);
    return;
  }
  AddNormal(step.out.metrics.tokens, step.record.total, 1);
  ++step.out.metrics.answers;
  if (tokens.recent.size() >= kMaxRecent) tokens.recent.erase(tokens.recent.begin());
  tokens.recent.emplace_back(key, step.record.total);
}

void ApplyTokenCount(Step& step) {
  TokenState& tokens = step.state.tokens;
  if (tokens.has_records) return;
  if (!step.record.has_info) {
    tokens.restarted = true;
    return;
  }
  const Usage used = Since(tokens, step.record);
  tokens.total = step.record.total;
  tokens.restarted = false;
  if (!used.present || step.state.in_copy) return;
  AddNormal(step.out.metrics.tokens, used, 1);
  ++step.out.metrics.answers;
  if (!step.record.has_ordinal) return;
  AddTo(tokens.provisional, used);
  ++tokens.provisional_answers;
}

void ApplyCompactionUsage(Step& step) {
  TokenState& tokens = step.state.tokens;
  if (step.record.response_id.empty()) return;
  const uint64_t key = HashResponse(step.record.response_id);
  const auto found = std::find_if(tokens.recent.begin(), tokens.recent.end(),
                                  [&](const auto& entry) { return entry.first == key; });
  if (found == tokens.recent.end()) {
    if (tokens.compactions.size() >= kMaxCompactions) {
      tokens.compactions.erase(tokens.compactions.begin());
    }
    tokens.compactions.push_back(key);
    return;
  }
  AddNormal(step.out.metrics.tokens, found->second, -1);
  --step.out.metrics.answers;
  AddOverhead(step.out.metrics.tokens, found->second);
  tokens.recent.erase(found);
}

}  // namespace selftune::hosts::codex
