#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "cli/dispatch.h"

// Exceptions of the standard library (no memory) end here, not in a core file.
int main(int argc, char** argv) {
  try {
    return selftune::cli::Dispatch(std::vector<std::string>(argv, argv + argc));
  } catch (const std::exception& e) {
    std::fprintf(stderr, "selftune: INTERNAL: %s\n", e.what());
    return 70;
  }
}
