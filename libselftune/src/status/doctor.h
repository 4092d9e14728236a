// Is everything in order? Checks of the configuration, the store, the evidence
// and the machine; each says what it found and which command repairs it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "base/error.h"
#include "base/time.h"
#include "config/config.h"
#include "hosts/registry.h"
#include "ingest/source.h"
#include "net/ports.h"
#include "status/runs_rest.h"
#include "store/db.h"

namespace selftune::status {

enum class CheckStatus { kPass, kInfo, kWarn, kFail, kSkip };
[[nodiscard]] std::string_view Word(CheckStatus status);  // "warn"

struct Check {
  std::string name;  // "db.open"
  CheckStatus status = CheckStatus::kPass;
  std::string message;
  std::string path = {};     // "" = about no file
  std::string text = {};     // what to do, "" = nothing
  std::string command = {};  // that does it, "" = none
};

struct DoctorWorld {
  const base::Environment* env = nullptr;
  std::span<const ingest::Source* const> sources;
  std::string state_dir;
  std::string db_path;
  StatusOr<const config::Config*> config;
  StatusOr<store::Db*> db;  // open for reading, or why not
  UtcMillis now;
  std::string version;       // of this selftune; "" = not told
  std::string project = {};  // in which it is asked, "" = in none
  // As a run that is begun here would find; unknown where the store or the configuration is.
  StatusOr<std::optional<RunsRest>> rest = std::optional<RunsRest>();
  bool (*port_is_taken)(int port) = net::PortIsTaken;  // on this machine
};

struct DoctorOptions {
  std::string only;    // glob of check names, "" = all
  bool deep = false;   // also what reads the whole store or walks the hosts' folders
  bool quick = false;  // only what costs next to nothing: for status
};

struct DoctorReport {
  std::vector<Check> checks;
  int64_t pass = 0, warn = 0, fail = 0;
  [[nodiscard]] bool healthy() const { return fail == 0; }
};

[[nodiscard]] StatusOr<DoctorReport> RunDoctor(const DoctorWorld& world,
                                               const DoctorOptions& options);

// `*` and `?` as in a shell; no other character is special.
[[nodiscard]] bool MatchesGlob(std::string_view glob, std::string_view name);

}  // namespace selftune::status
