// One scheduler of a machine; private to this module.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "schedule/installer.h"

namespace selftune::schedule {

class Backend {
 public:
  Backend(const Machine& machine, SetupReport& report)
      : machine_(machine), places_(PlacesOf(machine)), report_(report) {}
  virtual ~Backend() = default;
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;

  // Texts and commands of an installation.
  [[nodiscard]] virtual Status Describe(const JobEnvironment& env, Plan& plan) const = 0;
  // All or nothing.
  [[nodiscard]] virtual Status Install(const Plan& plan, const SetupOptions& options) = 0;
  // Whatever is ours there.
  [[nodiscard]] virtual Status Remove(bool dry_run) = 0;
  // What is wrong with an installed job; "" = nothing. `ask`: the scheduler is asked.
  [[nodiscard]] virtual StatusOr<std::string> ProblemOf(const Job& job, bool ask) = 0;

 protected:
  // Runs, and notes it in the report. PROCESS_FAILED when it says no.
  [[nodiscard]] Status Do(std::vector<std::string> argv, std::string_view input = {});
  // As Do; a failure is a warning.
  void Try(std::vector<std::string> argv);
  void Note(std::string path, std::string_view action, std::string_view contents = {});

  const Machine& machine_;
  Places places_;
  SetupReport& report_;
};

[[nodiscard]] std::unique_ptr<Backend> MakeUnits(Platform platform, const Machine& machine,
                                                 SetupReport& report);  // systemd, launchd
[[nodiscard]] std::unique_ptr<Backend> MakeCron(const Machine& machine, SetupReport& report);
[[nodiscard]] std::unique_ptr<Backend> MakeOpenclaw(const Machine& machine, SetupReport& report);

}  // namespace selftune::schedule
