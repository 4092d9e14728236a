// Who a session is: session_meta and turn_context.
#include <string>
#include <string_view>

#include "base/strings.h"
#include "hosts/codex/step.h"

namespace selftune::hosts::codex {
namespace {

constexpr std::string_view kAgentCli = "codex";

void FillLinks(Step& step, const Meta& meta) {
  ingest::SessionLinks& links = step.out.links;
  if (step.state.subagent) {
    links.parent_id = meta.parent_id;
    if (meta.root_id != step.state.id) links.root_id = meta.root_id;
    if (links.parent_id.empty()) links.parent_id = links.root_id;
  }
  links.forked_from = meta.forked_from;
  links.fork_end_offset = meta.history_end;
}

// `/home/dev` of `/home/dev/work`: rollouts do not name the home. A project may
// have folders of these names too, so where homes usually lie comes first.
std::string HomeOf(std::string_view path) {
  for (const std::string_view parent : {"/home/", "/Users/"}) {
    if (!path.starts_with(parent) || path.size() == parent.size()) continue;
    const size_t end = path.find('/', parent.size());
    return std::string(path.substr(0, end));
  }
  if (path == "/root" || path.starts_with("/root/")) return "/root";
  for (const std::string_view folder : {"/.codex/", "/.agents/"}) {
    const size_t at = path.find(folder);
    if (at != std::string_view::npos && at > 0) return std::string(path.substr(0, at));
  }
  return {};
}

}  // namespace

void ApplyMeta(Step& step) {
  const Meta& meta = step.record.meta;
  State& state = step.state;
  step.out.anchors.push_back(base::FieldHash("codex-meta").Add(meta.id).Key8());
  // Forks of old formats repeat their parent's session_meta behind their own.
  if (state.has_meta || (!meta.id.empty() && meta.id != state.id)) return;
  state.has_meta = true;
  state.subagent = meta.subagent || !meta.parent_id.empty() || meta.thread_source == "subagent";
  state.copies_history = !meta.forked_from.empty() && !meta.has_history_base;
  state.in_copy = state.copies_history && step.copied != nullptr && !step.copied->empty();
  if (meta.has_history_base) state.listing = kInheritedListing;
  state.cwd = meta.cwd;
  state.home = HomeOf(meta.cwd);
  ingest::SessionFacts& out = step.out;
  FillLinks(step, meta);
  out.host_version = meta.version;
  out.agent_cli = kAgentCli;
  out.agent_type = meta.agent_role;
  out.provider = meta.provider;
  out.cwd = meta.cwd;
  out.branch = meta.branch;
  out.commit_sha = meta.commit;
  out.repo_remote = meta.remote;
  out.depth = static_cast<int32_t>(meta.depth);
}

void ApplyContext(Step& step) {
  State& state = step.state;
  if (!step.record.cwd.empty()) {
    state.cwd = step.record.cwd;
    if (state.home.empty()) state.home = HomeOf(state.cwd);
    // A file without session_meta (its first line is damaged).
    if (!state.has_meta && step.out.cwd.empty()) step.out.cwd = step.record.cwd;
  }
  if (!state.has_model && !step.record.model.empty()) {
    state.has_model = true;
    step.out.model = step.record.model;
  }
  ApplyStateListing(step);
}

}  // namespace selftune::hosts::codex
