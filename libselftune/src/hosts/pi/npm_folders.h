// Where `npm install -g` put packages.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "hosts/registry.h"

namespace selftune::hosts::pi {

// The folder of a package that an old release of Pi installed for the whole machine; ""
// if there is none. Nobody is asked, npm not and no variable: looked at are the folder that
// ~/.npmrc names, else those where npm usually puts such and where Pi itself lies. `command`:
// the setting npmCommand, empty = npm; of bun and pnpm, also behind a `--`, their own folders.
[[nodiscard]] std::string GlobalNpmFolder(std::string_view package,
                                          std::span<const std::string> command,
                                          const RootQuery& query);

}  // namespace selftune::hosts::pi
