// The extensions of Qwen Code that are installed, and the store that says where they are on.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json_value.h"
#include "base/string_map.h"
#include "hosts/common/settings_files.h"

namespace selftune::hosts::qwen {

struct Extension {
  std::string name;
  std::string path;  // where it lies
  std::string manifest;
  bool linked = false;
};

// Below the configuration folder, by folder; the host skips one without a name, and the second
// of a name.
[[nodiscard]] std::vector<Extension> InstalledExtensions(const std::string& config_dir,
                                                         SettingsFiles& files);

// `extension-store/state.json`, asked for extensions and folders as often as anybody likes: each
// policy and each folder is looked up once. `files` outlives it.
class ExtensionStore {
 public:
  ExtensionStore(const std::string& config_dir, SettingsFiles& files);

  [[nodiscard]] const std::string& file() const { return file_; }
  // nullptr: it does not know that extension.
  [[nodiscard]] const base::JsonValue* PolicyOf(const std::string& extension) const;
  // As the store calls a folder of sessions.
  [[nodiscard]] const std::string& RealFolder(const std::string& dir);

 private:
  std::string file_;
  base::StringMap<const base::JsonValue*> policies_;  // by extension
  base::StringMap<std::string> folders_;
};

}  // namespace selftune::hosts::qwen
