// A file of its own: it is all that is compiled again after a commit.
#include <string_view>

#include "capi/commit.gen.h"
#include "capi/version.h"

namespace selftune::capi {

std::string_view SourceCommit() { return kCommit; }

}  // namespace selftune::capi
