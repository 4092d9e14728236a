// Hooks of ours in more than one place: an agent then calls each of them, and every
// event is told as often.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hosts/registry.h"
#include "install/target.h"
#include "store/install_rows.h"

namespace selftune::install {

// Where a host finds hooks of ours.
struct HooksPlace {
  std::string_view scope;  // "user", "project", "local", "plugin"
  std::string path;        // of the settings, of the plugin
  std::string command;     // what ours start there: hosts run the same one once
  std::string project;     // whose settings these are, "" = the person's
  bool here = false;       // of the project that was asked about
};

// The person's own (`person` is where those are), those of `project` ("" = of none) and of
// the projects that `rows` know, and our plugin. Reads files only.
[[nodiscard]] std::vector<HooksPlace> PlacesOfHooks(const hosts::HostRow& row, const Target& target,
                                                    const Place& person, const std::string& project,
                                                    const std::vector<store::InstallRow>& rows);

struct Twice {
  std::string what;                  // where they are
  std::vector<std::string> command;  // that takes one of them out, the narrower one
};
// Of places that count at the same time: the person's, with those of one project. Of other
// projects than the one asked about only what the person's settings repeat.
[[nodiscard]] std::optional<Twice> FindTwice(const hosts::HostRow& row,
                                             std::vector<HooksPlace> places);

// The top of the repository around `folder`, "" = there is none; nothing is looked at from
// `below` upwards.
[[nodiscard]] std::string RepositoryAround(const std::string& folder, std::string_view below = "");
// The top of the repository around the working directory, else that directory; "" when it
// is not known.
[[nodiscard]] std::string ProjectAround();

}  // namespace selftune::install
