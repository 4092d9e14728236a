// Texts of JSON-RPC and the names that the protocol gives.
#pragma once

#include <string>
#include <string_view>

#include "cli/json.h"

namespace selftune::cli::mcp {

inline constexpr int kParseError = -32700;
inline constexpr int kInvalidRequest = -32600;
inline constexpr int kMethodNotFound = -32601;
inline constexpr int kInvalidParams = -32602;
inline constexpr int kInternalError = -32603;
inline constexpr int kUnsupportedVersion = -32022;

// With a handshake, oldest first, and without.
inline constexpr std::string_view kHandshakeVersions[] = {"2024-11-05", "2025-03-26", "2025-06-18",
                                                          "2025-11-25"};
inline constexpr std::string_view kStatelessVersion = "2026-07-28";
inline constexpr std::string_view kVersionKey = "io.modelcontextprotocol/protocolVersion";
inline constexpr std::string_view kServerKey = "io.modelcontextprotocol/serverInfo";

// The revision a client asks for if it is known, else the newest.
[[nodiscard]] std::string_view Negotiate(std::string_view asked);

// `id` is JSON, "null" where it is not known.
[[nodiscard]] std::string ErrorLine(std::string_view id, int code, std::string_view message,
                                    std::string_view data_json = {});
[[nodiscard]] std::string ResultLine(std::string_view id, std::string_view result_json);
// `object` with more members: "\"a\":1".
[[nodiscard]] std::string Extended(std::string object, std::string_view members);

// One message of a client.
struct Message {
  std::string id;  // JSON; "" = a notification
  std::string method;
  Json params;
  std::string version;  // the revision it names, "" = none
};

// What is wrong with a JSON value as a message, or nothing: then `message` is
// set, with an empty method if there is nothing to do (an answer to us).
struct Flaw {
  int code = 0;  // 0 = none
  std::string_view text;
  std::string id = "null";
};
struct Read {
  Message message;
  Flaw flaw;
};
[[nodiscard]] Read ReadMessage(const Json& value);

}  // namespace selftune::cli::mcp
