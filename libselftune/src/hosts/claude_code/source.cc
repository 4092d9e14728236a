#include "hosts/claude_code/source.h"

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/json_value.h"
#include "base/status_macros.h"
#include "hosts/claude_code/history.h"
#include "hosts/claude_code/reader.h"
#include "hosts/claude_code/timed_hooks.h"
#include "hosts/rows.h"

namespace selftune::hosts::claude_code {
namespace {

using ingest::SourceFile;

// "" when the person's home is not known.
std::string ProjectsDir(const base::Environment& env) {
  const std::string config = ConfigDir(kClaudeCodeRow, env);
  return config.empty() ? config : base::JoinPath(config, "projects");
}

constexpr std::string_view kHistoryName = "history.jsonl";
constexpr uint64_t kMostState = uint64_t{64} << 20;

// `.claude.json` lies beside the usual configuration folder, and in one of another name.
std::string StateFile(const base::Environment& env) {
  const std::string config = ConfigDir(kClaudeCodeRow, env);
  if (config.empty()) return config;
  const bool usual = base::BaseName(config) == kClaudeCodeRow.config_default;
  return base::JoinPath(usual ? std::string(base::DirName(config)) : config, ".claude.json");
}

// What was typed, also in sessions whose transcripts the host deleted; "" = not known.
std::string HistoryFile(const base::Environment& env) {
  const std::string config = ConfigDir(kClaudeCodeRow, env);
  return config.empty() ? config : base::JoinPath(config, kHistoryName);
}

SourceFile DescribeFile(std::string path) {
  // No transcript has this name: theirs are ids of sessions.
  if (base::BaseName(path) != kHistoryName) return {.path = std::move(path)};
  return {.path = std::move(path), .kind = ingest::kPromptHistory};
}

// Entries of a folder; an unreadable one is a problem, a missing one is not.
std::vector<base::DirEntry> Entries(const std::string& dir, std::vector<std::string>& problems) {
  auto entries = base::ListDir(dir);
  if (entries.ok()) return *std::move(entries);
  if (CodeOf(entries.status()).name != kFileNotFound.name) {
    problems.emplace_back(Message(entries.status()));
  }
  return {};
}

bool IsTranscript(const base::DirEntry& entry, std::string_view prefix) {
  return entry.maybe_file && entry.name.starts_with(prefix) && entry.name.ends_with(".jsonl");
}

// `projects/<slug>/<session>/subagents/agent-*.jsonl`
void AddAgents(const std::string& session_dir, std::vector<SourceFile>& files,
               std::vector<std::string>& problems) {
  const std::string dir = base::JoinPath(session_dir, "subagents");
  for (const base::DirEntry& entry : Entries(dir, problems)) {
    if (IsTranscript(entry, "agent-")) files.push_back({.path = base::JoinPath(dir, entry.name)});
  }
}

void AddProject(const std::string& dir, std::vector<SourceFile>& files,
                std::vector<std::string>& problems) {
  for (const base::DirEntry& entry : Entries(dir, problems)) {
    const std::string path = base::JoinPath(dir, entry.name);
    if (IsTranscript(entry, "")) {
      files.push_back({.path = path});
    } else if (entry.maybe_dir && entry.name != "memory") {
      AddAgents(path, files, problems);
    }
  }
}

class ClaudeSource final : public ingest::Source {
 public:
  std::string_view platform() const override { return "claude_code"; }
  std::string_view parser_name() const override { return "claude_code/jsonl"; }
  int parser_version() const override { return kReaderVersion; }

  bool Available(const base::Environment& env) const override {
    const std::string projects = ProjectsDir(env);
    return !projects.empty() && (base::Exists(projects) || base::Exists(HistoryFile(env)));
  }

  std::vector<SourceFile> Discover(const base::Environment& env,
                                   std::vector<std::string>& problems) const override {
    std::vector<SourceFile> files;
    const std::string projects = ProjectsDir(env);
    if (projects.empty()) return files;
    for (const base::DirEntry& entry : Entries(projects, problems)) {
      if (entry.maybe_dir) AddProject(base::JoinPath(projects, entry.name), files, problems);
    }
    std::string history = HistoryFile(env);
    if (base::Exists(history)) files.push_back(DescribeFile(std::move(history)));
    std::sort(files.begin(), files.end(),
              [](const SourceFile& a, const SourceFile& b) { return a.path < b.path; });
    return files;
  }

  SourceFile Describe(std::string path) const override { return DescribeFile(std::move(path)); }

  std::string PromptHistory(const base::Environment& env) const override {
    return HistoryFile(env);
  }

  StatusOr<std::vector<ingest::HostCount>> CountedUses(
      const base::Environment& env) const override {
    std::vector<ingest::HostCount> out;
    const std::string path = StateFile(env);
    if (path.empty() || !base::Exists(path)) return out;
    ST_ASSIGN_OR_RETURN(const std::string text, base::ReadFile(path, kMostState));
    ST_ASSIGN_OR_RETURN(const base::JsonValue state, base::JsonValue::Parse(text));
    for (const auto& [skill, usage] : state["skillUsage"].members()) {
      out.push_back({.skill = skill, .uses = usage["usageCount"].AsInt()});
    }
    return out;
  }

  ingest::HookRunsOf hook_runs() const override { return HookRunsOf; }

  StatusOr<std::unique_ptr<ingest::LineReader>> Open(
      const ingest::ReaderOptions& options) const override {
    if (options.file != nullptr && options.file->kind == ingest::kPromptHistory) {
      return ingest::OpenPromptHistory(options, ReadHistoryLine);
    }
    return OpenTranscript(options);
  }
};

}  // namespace

const ingest::Source& TranscriptSource() {
  // Never destroyed: threads may read it when the process ends.
  static const ClaudeSource& source = *new const ClaudeSource;
  return source;
}

}  // namespace selftune::hosts::claude_code
