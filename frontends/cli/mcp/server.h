// A server of the Model Context Protocol on stdin and stdout.
//
// Speaks the revisions with a handshake (2024-11-05 to 2025-11-25) and the one
// without (2026-07-28, where each request names its revision). What can take long
// runs in threads, so that a request can be cancelled while it runs.
#pragma once

#include "cli/library.h"
#include "cli/mcp/tools.h"

namespace selftune::cli::mcp {

struct ServerOptions {
  LibraryOptions library;
  ToolChoice tools;
};

struct ServerEnd {
  std::string error;     // object of an engine that could not be opened
  int signal = 0;        // SIGINT or SIGTERM ended it
  bool unheard = false;  // stdout cannot be written to
};

// Serves until the client closes stdin. Nothing that a client sends ends it.
[[nodiscard]] ServerEnd Serve(const ServerOptions& options);

}  // namespace selftune::cli::mcp
