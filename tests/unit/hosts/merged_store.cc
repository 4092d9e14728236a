#include "unit/hosts/merged_store.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "base/json_object.h"
#include "base/strings.h"
#include "base/utf8.h"

namespace selftune::testing {
namespace {

// A part that a delta does not know is not counted, as in the store.
void AddPart(bool known, int64_t value, bool& sum_known, int64_t& sum) {
  if (!known) return;
  sum_known = true;
  sum += value;
}

void AddTokens(ingest::TokenDelta& sum, const ingest::TokenDelta& delta) {
  AddPart(delta.known_input, delta.input_uncached, sum.known_input, sum.input_uncached);
  AddPart(delta.known_cache_read, delta.cache_read, sum.known_cache_read, sum.cache_read);
  AddPart(delta.known_cache_write, delta.cache_write, sum.known_cache_write, sum.cache_write);
  AddPart(delta.known_output, delta.output, sum.known_output, sum.output);
  AddPart(delta.known_reasoning, delta.reasoning, sum.known_reasoning, sum.reasoning);
  AddPart(delta.known_overhead, delta.overhead_input, sum.known_overhead, sum.overhead_input);
  AddPart(delta.known_overhead, delta.overhead_output, sum.known_overhead, sum.overhead_output);
}

void AddMetrics(ingest::MetricDelta& sum, const ingest::MetricDelta& delta) {
  AddPart(delta.known_answers, delta.answers, sum.known_answers, sum.answers);
  sum.failed_turns += delta.failed_turns;
  sum.interruptions += delta.interruptions;
  sum.compactions += delta.compactions;
  sum.api_errors += delta.api_errors;
  AddTokens(sum.tokens, delta.tokens);
  for (const ingest::ToolDelta& tool : delta.tools) {
    auto found = std::find_if(sum.tools.begin(), sum.tools.end(),
                              [&](const auto& other) { return other.name == tool.name; });
    if (found == sum.tools.end()) {
      sum.tools.push_back(tool);
      continue;
    }
    found->calls += tool.calls;
    found->errors += tool.errors;
    found->nonzero_exits += tool.nonzero_exits;
    found->denied += tool.denied;
    found->unfinished += tool.unfinished;
  }
}

void Fill(std::string& old, const std::string& value) {
  if (!value.empty()) old = value;
}

void AddLinks(ingest::SessionLinks& old, const ingest::SessionLinks& links) {
  Fill(old.parent_id, links.parent_id);
  Fill(old.root_id, links.root_id);
  Fill(old.spawn_call_id, links.spawn_call_id);
  Fill(old.prompt_native_id, links.prompt_native_id);
  Fill(old.forked_from, links.forked_from);
  if (links.fork_end_offset.has_value()) old.fork_end_offset = links.fork_end_offset;
}

template <typename T>
void Append(std::vector<T>& to, const std::vector<T>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

void AddSession(MergedSession& session, const ingest::SessionFacts& facts) {
  ingest::SessionFacts& old = session.facts;
  old.id = facts.id;
  old.kind = facts.kind;
  old.internal = facts.internal;
  old.archived = facts.archived;
  AddLinks(old.links, facts.links);
  Fill(old.host_version, facts.host_version);
  Fill(old.agent_cli, facts.agent_cli);
  Fill(old.agent_type, facts.agent_type);
  Fill(old.provider, facts.provider);
  Fill(old.model, facts.model);
  Fill(old.cwd, facts.cwd);
  Fill(old.branch, facts.branch);
  Fill(old.commit_sha, facts.commit_sha);
  Fill(old.repo_remote, facts.repo_remote);
  old.depth = std::max(old.depth, facts.depth);
  if (facts.started && (!old.started || *facts.started < *old.started)) old.started = facts.started;
  if (facts.ended && (!old.ended || *facts.ended > *old.ended)) old.ended = facts.ended;
  if (facts.born && (!old.born || *facts.born < *old.born)) old.born = facts.born;
  if (facts.completion.has_value()) old.completion = facts.completion;
  AddMetrics(old.metrics, facts.metrics);
  for (const ingest::PromptFact& prompt : facts.prompts) session.prompts[prompt.seq] = prompt;
  for (const int32_t seq : facts.deactivated_prompts) session.prompts[seq].active = false;
  for (const int32_t seq : facts.reactivated_prompts) session.prompts[seq].active = true;
  for (const ingest::SkillFact& skill : facts.skills) {
    if (skill.retracted) {
      session.skills.erase(skill.key);
    } else {
      session.skills[skill.key] = skill;
    }
  }
  Append(old.exposures, facts.exposures);
  for (const ingest::EventFact& event : facts.events) {
    if (!event.retracted) {
      old.events.push_back(event);
      continue;
    }
    const auto found = std::find_if(old.events.rbegin(), old.events.rend(), [&](const auto& one) {
      return one.kind == event.kind && one.origin.offset == event.origin.offset;
    });
    REQUIRE(found != old.events.rend());
    old.events.erase(std::next(found).base());
  }
  Append(old.spawns, facts.spawns);
  Append(old.record_keys, facts.record_keys);
  Append(old.anchors, facts.anchors);
}

int64_t Time(const std::optional<UtcMillis>& at) { return at.has_value() ? at->value : -1; }

std::string DumpExposure(const ingest::ExposureFact& fact) {
  std::string out =
      fmt::format("  exposure from {} at {} line {} cause {}\n", fact.prompt_seq.value_or(-1),
                  Time(fact.at), fact.origin.line_no, Word(fact.cause));
  if (fact.listing == nullptr) return out;
  for (const ingest::ListingEntry& entry : fact.listing->entries) {
    out += fmt::format("    {} {} {} {}\n", entry.name, Word(entry.state), entry.description,
                       entry.path);
  }
  return out;
}

std::string DumpFacts(const MergedSession& session) {
  std::string out;
  for (const auto& [seq, prompt] : session.prompts) {
    out += fmt::format("  prompt {} {} {} {} at {} line {} active {}: {}\n", seq, Word(prompt.kind),
                       prompt.native_id, prompt.origin.record, Time(prompt.at),
                       prompt.origin.line_no, prompt.active, prompt.text);
    out += fmt::format("    command {} {} {} raw {}\n", Word(prompt.command_kind),
                       prompt.command_name, prompt.command_args, prompt.raw_text);
  }
  for (const auto& [key, skill] : session.skills) {
    out +=
        fmt::format("  skill {} {} {} {} {} {} prompt {} {} {} {} {} {} at {} line {} {}\n", key,
                    skill.skill, Word(skill.outcome), Word(skill.level), Word(skill.route),
                    Word(skill.requested_by), skill.prompt_seq.value_or(-1), skill.path,
                    skill.tool_name, skill.tool_call_id, base::Hex(skill.body_sha256),
                    skill.body_bytes, Time(skill.at), skill.origin.line_no, skill.key_is_call_id);
  }
  for (const auto& event : session.facts.events) {
    out += fmt::format("  event {} {} {} {}\n", Word(event.kind), event.detail, Time(event.at),
                       event.origin.line_no);
  }
  for (const auto& spawn : session.facts.spawns) {
    out += fmt::format("  spawn {} {} {}\n", spawn.call_id, spawn.prompt_seq.value_or(-1),
                       spawn.child_id);
  }
  for (const uint64_t key : session.facts.record_keys) out += fmt::format("  key {}\n", key);
  for (const uint64_t key : session.facts.anchors) out += fmt::format("  anchor {}\n", key);
  return out;
}

}  // namespace

void MergedStore::Add(const ingest::Batch& batch, const std::string& path) {
  for (const ingest::SessionFacts& facts : batch.sessions) {
    AddSession(sessions[facts.id], facts);
    sessions[facts.id].path = path;
  }
  bad_lines.insert(bad_lines.end(), batch.bad_lines.begin(), batch.bad_lines.end());
  seen += batch.records_seen;
  used += batch.records_used;
  unknown += batch.records_unknown;
}

std::string Dump(const MergedStore& store) {
  std::string out = fmt::format("seen {} used {} unknown {} bad {}\n", store.seen, store.used,
                                store.unknown, store.bad_lines.size());
  for (const auto& [id, session] : store.sessions) {
    const ingest::SessionFacts& f = session.facts;
    const ingest::TokenDelta& t = f.metrics.tokens;
    out += fmt::format("{} {} {} internal {} archived {} {}..{} {}\n", id, session.path,
                       Word(f.kind), f.internal, f.archived, Time(f.started), Time(f.ended),
                       f.completion.has_value() ? Word(*f.completion) : "-");
    out +=
        fmt::format("  {} {} {} {} {} {} {} {} {} {}\n", f.host_version, f.agent_cli, f.agent_type,
                    f.provider, f.model, f.cwd, f.branch, f.commit_sha, f.repo_remote, f.depth);
    out += fmt::format("  links {} {} {} {} {} {} born {}\n", f.links.parent_id, f.links.root_id,
                       f.links.prompt_native_id, f.links.spawn_call_id, f.links.forked_from,
                       f.links.fork_end_offset.value_or(0), Time(f.born));
    out += fmt::format("  answers {} failed {} cut {} compactions {} api {}\n", f.metrics.answers,
                       f.metrics.failed_turns, f.metrics.interruptions, f.metrics.compactions,
                       f.metrics.api_errors);
    out += fmt::format("  tokens {} {} {} {} {} {}/{}\n", t.input_uncached, t.cache_read,
                       t.cache_write, t.output, t.reasoning, t.overhead_input, t.overhead_output);
    std::vector<ingest::ToolDelta> tools = f.metrics.tools;
    std::sort(tools.begin(), tools.end(),
              [](const auto& a, const auto& b) { return a.name < b.name; });
    for (const ingest::ToolDelta& tool : tools) {
      out += fmt::format("  tool {} {} {} {} {} {}\n", tool.name, tool.calls, tool.errors,
                         tool.nonzero_exits, tool.denied, tool.unfinished);
    }
    out += DumpFacts(session);
    for (const ingest::ExposureFact& fact : f.exposures) out += DumpExposure(fact);
  }
  return out;
}

void ReadText(const ingest::Source& source, const ingest::SourceFile& file, std::string_view text,
              Reading reading, const ingest::KeySet* copied, MergedStore& store) {
  base::LineParser parser;
  std::string saved;
  ingest::ReaderOptions options;
  options.file = &file;
  options.copied = copied;
  auto reader = source.Open(options);
  REQUIRE(reader.ok());
  ingest::Batch batch;
  uint64_t offset = 0;
  uint64_t line_no = 0;
  while (offset < text.size()) {
    const size_t end = text.find('\n', offset);
    if (end == std::string_view::npos) break;
    // A copy that ends where its memory ends: reading past the padding shows.
    std::string line(text.substr(offset, end - offset));
    const size_t size = line.size();
    line.append(64, ' ');
    const ingest::Line entry{std::string_view(line.data(), size), offset, ++line_no};
    if (!(*reader)->ReadLine(entry, parser, batch).ok()) {
      batch.bad_lines.push_back({offset, line_no, "not_json", ""});
    }
    offset = end + 1;
    if (reading != Reading::kLineByLine) continue;
    store.Add(std::exchange(batch, ingest::Batch()), file.path);
    saved = (*reader)->SaveState();
    options.saved_state = saved;
    reader = source.Open(options);
    REQUIRE(reader.ok());
  }
  store.Add(batch, file.path);
}

}  // namespace selftune::testing
