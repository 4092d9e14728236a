// Operations as MCP tools, and parts of the store as resources.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/json.h"
#include "cli/library.h"
#include "cli/ops.gen.h"

namespace selftune::cli::mcp {

struct ToolChoice {
  bool allow_write = false;  // also those that write, or call a model
  bool all = false;          // every operation, by its name with "_" for "."
};

struct Tool {
  std::string name;
  const OpRow* op = nullptr;
};

[[nodiscard]] std::vector<Tool> ToolsOf(const ToolChoice& choice);

// How much of a tool a protocol revision knows.
struct ToolDetail {
  bool annotations = true;
  bool output = true;  // title, outputSchema
};
// The tool as tools/list shows it; its schemas are those of the library.
[[nodiscard]] std::string ToolJson(Session& session, const Tool& tool, const ToolDetail& detail);

// An argument that the tool does not have although its operation does; "" = none.
[[nodiscard]] std::string HiddenArgument(const Tool& tool, const Json& arguments);
// The whole request; what the tool always sets is set.
[[nodiscard]] std::string ToolRequest(const Tool& tool, const Json& arguments);

// result of tools/call, without the brace that closes it.
[[nodiscard]] std::string ToolResult(const Answer& answer, bool structured);

// resources/list, resources/templates/list: members of the result.
[[nodiscard]] std::string ResourceList(Session& session, const std::string& cursor);
[[nodiscard]] std::string ResourceTemplates();
// resources/read: members of the result, "" if there is no such resource.
[[nodiscard]] std::string ReadResource(Session& session, const std::string& uri);

}  // namespace selftune::cli::mcp
