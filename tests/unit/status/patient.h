// What the tests of the doctor share.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "base/env.h"
#include "config/config.h"
#include "ingest/source.h"
#include "status/doctor.h"
#include "unit/status/status_fixture.h"

namespace selftune::status::testing {

// A host with one file, whose bytes say nothing.
class OneFile : public ingest::Source {
 public:
  [[nodiscard]] std::string_view platform() const override { return "claude_code"; }
  [[nodiscard]] std::string_view parser_name() const override { return "test/jsonl"; }
  [[nodiscard]] int parser_version() const override { return 1; }
  [[nodiscard]] bool Available(const base::Environment&) const override { return true; }
  [[nodiscard]] StatusOr<std::vector<ingest::HostCount>> CountedUses(
      const base::Environment&) const override {
    return counted;
  }
  StatusOr<std::vector<ingest::HostCount>> counted = std::vector<ingest::HostCount>();
  [[nodiscard]] ingest::HookRunsOf hook_runs() const override { return runs_of; }
  ingest::HookRunsOf runs_of = nullptr;
  [[nodiscard]] std::vector<ingest::SourceFile> Discover(const base::Environment&,
                                                         std::vector<std::string>&) const override {
    return {{.path = "/t/one.jsonl"}};
  }
  [[nodiscard]] StatusOr<std::unique_ptr<ingest::LineReader>> Open(
      const ingest::ReaderOptions&) const override {
    return Fail(kInternal, "not read in this test");
  }
};

// Whoever is told that something is amiss is told what to do, and the one command for it.
inline void CheckGuided(const Check& check) {
  CAPTURE(check.name);
  CAPTURE(check.message);
  const bool finding = check.status != CheckStatus::kPass && check.status != CheckStatus::kSkip;
  if (!finding) return;
  CHECK(!check.text.empty());
  CHECK(!check.command.empty());
}

// A store, a home and settings for the doctor to look at.
struct Patient {
  World world;
  base::Environment env;
  config::Config config;
  OneFile source;
  std::vector<const ingest::Source*> sources = {&source};
  bool (*port_is_taken)(int) = [](int) { return false; };

  Patient() {
    env.Set("HOME", world.store().dir().path());
    env.Set("PATH", "/nowhere");
  }
  DoctorReport Ask(const DoctorOptions& options = {}, UtcMillis now = kNow,
                   const std::string& version = "") {
    const DoctorWorld doctor{.env = &env,
                             .sources = sources,
                             .state_dir = world.store().dir().path(),
                             .db_path = world.store().path(),
                             .config = &config,
                             .db = &world.db(),
                             .now = now,
                             .version = version,
                             .port_is_taken = port_is_taken};
    DoctorReport report = Must(RunDoctor(doctor, options));
    for (const Check& check : report.checks) CheckGuided(check);
    return report;
  }
};

inline const Check* Find(const DoctorReport& report, std::string_view name) {
  const auto it = std::find_if(report.checks.begin(), report.checks.end(),
                               [&](const Check& check) { return check.name == name; });
  return it == report.checks.end() ? nullptr : &*it;
}

inline CheckStatus StatusOf(const DoctorReport& report, std::string_view name) {
  const Check* check = Find(report, name);
  REQUIRE_MESSAGE(check != nullptr, name);
  return check->status;
}

}  // namespace selftune::status::testing
