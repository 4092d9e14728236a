// Is this a job of a CI service? One rule for the library and the hook program.
#pragma once

#include <string_view>

namespace selftune::base {

// By the variables that such services set; most set CI. `get` takes the name of a
// variable and returns its value, "" when it is unset.
template <typename Get>
[[nodiscard]] bool IsCi(const Get& get) {
  for (const char* name : {"CI", "CONTINUOUS_INTEGRATION", "GITHUB_ACTIONS", "GITLAB_CI",
                           "JENKINS_URL", "TEAMCITY_VERSION", "TF_BUILD"}) {
    const std::string_view value = get(name);
    if (!value.empty() && value != "0" && value != "false" && value != "False") return true;
  }
  return false;
}

}  // namespace selftune::base
