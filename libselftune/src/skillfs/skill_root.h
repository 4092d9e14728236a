// Where a host looks for skills, as data.
#pragma once

#include <string>
#include <string_view>

namespace selftune::skillfs {

// A folder searched for skills. Lower `precedence` wins for equal names where
// the host lets one name hide another.
struct SkillRoot {
  enum class Base {
    kHome,         // under $HOME
    kConfigDir,    // under the host's configuration folder
    kProjectUp,    // under the working directory and each parent up to the repository root
    kProjectOnly,  // under the repository root only
    kAbsolute,     // a fixed path (managed by an administrator)
  };
  Base base = Base::kHome;
  std::string_view path;   // relative to the base
  std::string_view scope;  // project global admin system
  int precedence = 0;
  bool nested = false;  // skills lie at any depth, else one level down
};

// A folder of skills that a plugin of the host brought along. They are called
// `plugin:skill` and hide nothing.
struct PluginRoot {
  std::string plugin;
  std::string path;          // absolute
  std::string project_root;  // "" = installed for the person
};

}  // namespace selftune::skillfs
