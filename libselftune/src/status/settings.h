// The settings of config.json by the names people use for them: which there
// are, what holds, what may be written; and which folders follow from them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "config/choices.h"
#include "config/config.h"

namespace selftune::status {

struct SettingKey {
  std::string name;               // "hosts.claude_code.home"
  std::vector<std::string> path;  // of keys in the document
};

// Accepts hosts by any of their names, skills by any; nullopt for a setting
// that does not exist.
[[nodiscard]] std::optional<SettingKey> ParseSettingKey(std::string_view key);
// All names but those of skills, which have "skills.<skill>.autonomy".
[[nodiscard]] std::vector<std::string> SettingNames();

// The words that `key` takes; none: any text that ProblemOfValue allows.
[[nodiscard]] config::Words ChoicesOf(const SettingKey& key);
// Why `value` cannot be that of `key`: "must be off, propose or deploy"; "" when
// it can.
[[nodiscard]] std::string ProblemOfValue(const SettingKey& key, std::string_view value);

struct Setting {
  std::string key;
  std::string value;     // what holds, "" = nothing
  std::string fallback;  // what holds without the file
  bool in_file = false;
};

[[nodiscard]] Setting ReadSetting(const config::Config& config, const base::Environment& env,
                                  const SettingKey& key);
// Every one of SettingNames, then those of skills that the file has.
[[nodiscard]] std::vector<Setting> ReadSettings(const config::Config& config,
                                                const base::Environment& env);

// Values that cannot be used: those of config::Config and hosts nobody knows.
[[nodiscard]] std::vector<config::Problem> SettingProblems(const config::Config& config);
// Names in the file that mean nothing here; they are kept.
[[nodiscard]] std::vector<std::string> UnknownSettings(const config::Config& config);

// After how many days a sync forgets what was said (store/forget.h); nullopt: never.
[[nodiscard]] std::optional<int64_t> RetentionDays(const config::Config& config);
// schedule.every_hours: between two scheduled runs; nullopt when the file says nothing
// that can be used.
[[nodiscard]] std::optional<int64_t> EveryHours(const config::Config& config);

// `env` with the folders of hosts that the configuration names.
[[nodiscard]] base::Environment WithHostHomes(const base::Environment& env,
                                              const config::Config& config);

// $SELFTUNE_CONFIG_DIR when a store lies in it that is not `db_path`: former
// editions used it, this one does not. nullopt when there is nothing to say.
[[nodiscard]] std::optional<std::string> FindFormerStateDir(const base::Environment& env,
                                                            const std::string& db_path);

}  // namespace selftune::status
