#include "hosts/rows.h"

namespace selftune::hosts {
namespace {

using Base = SkillRoot::Base;

// Which of two equal names wins is not known, so neither hides the other.
constexpr SkillRoot kRoots[] = {
    {.base = Base::kProjectUp, .path = ".qwen/skills", .scope = "project", .precedence = 1},
    {.base = Base::kProjectUp, .path = ".agents/skills", .scope = "project", .precedence = 2},
    {.base = Base::kConfigDir, .path = "skills", .scope = "global", .precedence = 3},
    {.base = Base::kHome, .path = ".agents/skills", .scope = "global", .precedence = 4},
};

}  // namespace

constinit const HostRow kQwenRow = {
    .platform = "qwen",
    .title = "Qwen Code",
    .command = "qwen",
    .config_env = "",
    .config_default = ".qwen",
    .skill_roots = kRoots,
    .equal_names_shadow = false,
    .explicit_only_key = "",
    .policy_file = "",
    .policy_implicit_key = "",
    .name_is_folder = false,
    .slash_text = true,
    .skill_ends_search = true,
    .plugin_roots = nullptr,
    .specialists = {.dir = "agents", .project_dir = ".qwen/agents", .form = "forms/qwen"},
};

}  // namespace selftune::hosts
