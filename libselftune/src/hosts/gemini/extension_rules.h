// Which installed extensions of Gemini CLI its security settings keep out.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hosts/common/path_rules.h"
#include "hosts/common/root_list.h"
#include "hosts/common/settings_files.h"
#include "hosts/registry.h"

namespace selftune::hosts::gemini {

// `security.allowedExtensions`, patterns for where an extension was installed from; without
// any `security.blockGitExtensions`. Of the files that say so the last counts: defaults of
// the machine, the person's, those of the folder that a session runs in, the machine's. What
// a company switches off from afar (`admin`) is in no file that the host heeds.
class ExtensionRules {
 public:
  // Both outlive this.
  ExtensionRules(const RootQuery& query, SettingsFiles& files) : query_(query), files_(files) {}

  // What keeps it out of sessions in a directory. `source` and `type` are those of its
  // .gemini-extension-install.json.
  [[nodiscard]] Verdict Against(const std::string& source, std::string_view type,
                                const std::string& dir);

 private:
  // In the order in which a later one counts.
  [[nodiscard]] std::vector<std::string> FilesFor(const std::string& dir) const;
  [[nodiscard]] Verdict AgainstList(const std::string& file, const base::JsonValue& security,
                                    const std::string& source, const std::string& dir);

  // Nobody knows: the effort is used up.
  [[nodiscard]] Verdict TooMany(const std::string& file);

  const RootQuery& query_;
  SettingsFiles& files_;
  Effort compared_;
  bool told_ = false;  // that it is used up
};

// Whether a regular expression of JavaScript finds something in a text: letters, `.`, what a
// backslash makes a letter, `*`, `+`, `?`, and `^` and `$` at the ends. Nothing: it has other
// signs.
[[nodiscard]] std::optional<bool> Finds(std::string_view pattern, std::string_view text);

}  // namespace selftune::hosts::gemini
