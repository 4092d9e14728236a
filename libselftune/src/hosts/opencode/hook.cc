// OpenCode's hooks are a plugin of ours (opencode/install.cc), which hands in events in
// our own form. There is no event for the end of a session.
#include "hooks/host.h"
#include "hosts/hook_rows.h"

namespace selftune::hosts {

constinit const hooks::Host kOpenCodeHooks = {
    .platform = "opencode",
    .command = "opencode",
    .subscriptions = {},
    .ends_with_turn = true,
};

}  // namespace selftune::hosts
