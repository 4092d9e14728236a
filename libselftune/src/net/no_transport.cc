// Of a build with -Dhttp_client=disabled: nothing here opens a connection.
#include "net/transport.h"

namespace selftune::net {

bool HasClient() { return false; }

StatusOr<Transport*> SharedTransport() {
  return WithSuggestion(Fail(kApiFailed, "this build of selftune has no HTTP client"),
                        "set llm_mode to \"agent\", or build with -Dhttp_client=enabled",
                        "selftune config set llm_mode agent");
}

}  // namespace selftune::net
