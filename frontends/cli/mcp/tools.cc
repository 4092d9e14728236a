#include "cli/mcp/tools.h"

#include <algorithm>
#include <optional>

#include "cli/registry.h"

namespace selftune::cli::mcp {
namespace {

constexpr std::string_view kClient = "mcp";

bool Has(const OpRow& op, char flag) { return op.flags.find(flag) != std::string_view::npos; }

// Neither store nor files, no model, no network.
bool OnlyReads(const OpRow& op) {
  return op.flags.find_first_of("SFRLN") == std::string_view::npos;
}

std::string Underscored(std::string_view op) {
  std::string name(op);
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
}

Answer AskFor(Session& session, std::string_view op, std::string_view params) {
  return session.Run(RequestText(op, params, kClient, std::nullopt), nullptr, nullptr);
}

// {"type":"object"} if the library does not know the schema.
Json SchemaOf(Session& session, const std::string& id) {
  const Answer answer = AskFor(session, "schema.get", JsonObject().AddText("id", id).Take());
  const Json reply = Json::Parse(answer.envelope).value_or(Json());
  const Json& schema = reply["data"]["schema"];
  if (schema.is_object()) return schema;
  return Json::Parse(R"({"type":"object"})").value_or(Json());
}

bool IsHidden(const Tool& tool, std::string_view param) {
  const OpRow& op = *tool.op;
  return op.tool_hide.find(" " + std::string(param) + " ") != std::string_view::npos ||
         (tool.name == op.tool && param == op.tool_set);
}

// A client may know many schemas and resolve ids among them: ours mean nothing
// to it. What a tool (for its parameters) does not have is left out.
Json WithoutHead(const Json& schema, const Tool* tool) {
  std::vector<Json::Member> members;
  for (const auto& [key, value] : schema.members()) {
    if (key == "$schema" || key == "$id" || key == "title") continue;
    if (key != "properties" || tool == nullptr) {
      members.emplace_back(key, value);
      continue;
    }
    std::vector<Json::Member> properties;
    for (const auto& member : value.members()) {
      if (!IsHidden(*tool, member.first)) properties.push_back(member);
    }
    members.emplace_back(key, Json::Object(std::move(properties)));
  }
  return Json::Object(std::move(members));
}

std::string Description(const OpRow& op) {
  std::string out = std::string(op.summary) + ".";
  if (!op.tool_text.empty()) return out + " " + std::string(op.tool_text);
  if (Has(op, 'L')) out += " Calls a model: ask the user first.";
  if (Has(op, 'R') || Has(op, 'F')) out += " Writes files: ask the user first; dry_run says what.";
  if (Has(op, 'Y')) out += " Needs yes: true.";
  return out;
}

// A dry run that calls a model changes nothing, and costs.
std::string Annotations(const Tool& tool) {
  const OpRow& op = *tool.op;
  const bool tries = tool.name == op.tool && op.tool_set == "dry_run";
  const bool reads = OnlyReads(op);
  JsonObject out;
  out.AddBool("readOnlyHint", reads);
  const bool destroys = Has(op, 'R') || Has(op, 'F') || Has(op, 'Y');
  if (!reads) out.AddBool("destructiveHint", destroys && !tries);
  return out.AddBool("openWorldHint", Has(op, 'L') || Has(op, 'N')).Take();
}

std::string TextBlock(std::string_view text) {
  return JsonObject().AddText("type", "text").AddText("text", text).Take();
}

// What stands beside the data and helps: the error, warnings, the next step.
std::string Beside(const Json& envelope) {
  JsonObject out;
  bool any = false;
  for (const std::string_view key : {"error", "warnings", "next"}) {
    const Json& value = envelope[key];
    if (value.is_null() || (value.is_array() && value.items().empty())) continue;
    out.AddRaw(key, value.Dump());
    any = true;
  }
  return any ? out.Take() : "";
}

std::optional<std::string> PercentDecoded(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const auto value = [&](char c) {
      return kHex.find(c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c);
    };
    const size_t high = value(text[i + 1]);
    const size_t low = value(text[i + 2]);
    if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

std::string PercentEncoded(std::string_view text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (kPlain.find(c) != std::string_view::npos) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kHex[byte / 16];
    out += kHex[byte % 16];
  }
  return out;
}

struct ResourceKind {
  std::string_view front;  // of the URI
  std::string_view op, param;
  std::string_view name, text;
};
constexpr ResourceKind kResources[] = {
    {"selftune://skill/", "skill.report", "skill", "skill", "Everything known about one skill"},
    {"selftune://session/", "session.timeline", "session", "session",
     "One session in order: prompts, tool calls, skills"},
    {"selftune://schema/", "schema.get", "id", "schema",
     "A JSON Schema, such as selftune/status@1"},
};

}  // namespace

std::vector<Tool> ToolsOf(const ToolChoice& choice) {
  std::vector<Tool> tools;
  for (const OpRow& op : kOps) {
    if (!OnlyReads(op) && !choice.allow_write) continue;
    if (choice.all) {
      tools.push_back({Underscored(op.name), &op});
    } else if (!op.tool.empty()) {
      tools.push_back({std::string(op.tool), &op});
    }
  }
  return tools;
}

std::string ToolJson(Session& session, const Tool& tool, const ToolDetail& detail) {
  const OpRow& op = *tool.op;
  JsonObject out;
  out.AddText("name", tool.name).AddText("description", Description(op));
  const Json params = SchemaOf(session, "selftune/" + std::string(op.name) + ".params@1");
  out.AddRaw("inputSchema", WithoutHead(params, &tool).Dump());
  if (detail.annotations) out.AddRaw("annotations", Annotations(tool));
  if (detail.output) {
    out.AddText("title", op.summary);
    out.AddRaw("outputSchema",
               WithoutHead(SchemaOf(session, std::string(op.schema)), nullptr).Dump());
  }
  return out.Take();
}

std::string HiddenArgument(const Tool& tool, const Json& arguments) {
  for (const auto& [name, value] : arguments.members()) {
    if (IsHidden(tool, name)) return name;
  }
  return "";
}

std::string ToolRequest(const Tool& tool, const Json& arguments) {
  std::vector<Json::Member> members = arguments.members();
  const OpRow& op = *tool.op;
  if (tool.name == op.tool && !op.tool_set.empty()) {
    members.emplace_back(op.tool_set, Json::Parse("true").value_or(Json()));
  }
  return RequestText(op.name, Json::Object(std::move(members)).Dump(), kClient, std::nullopt);
}

std::string ToolResult(const Answer& answer, bool structured) {
  const Json envelope = Json::Parse(answer.envelope).value_or(Json());
  const Json& data = envelope["data"];
  JsonObject out;
  if (!data.is_object()) {
    std::string said =
        answer.envelope.empty() ? "{\"error\":" + answer.error + "}" : Beside(envelope);
    return out.AddRaw("content", "[" + TextBlock(said) + "]").AddBool("isError", true).Take();
  }
  // A check whose answer is bad did run: its data is what was asked for.
  const std::string beside = Beside(envelope);
  const std::string text = data.Dump();
  out.AddRaw("content",
             "[" + TextBlock(text) + (beside.empty() ? "" : "," + TextBlock(beside)) + "]");
  out.AddBool("isError", false);
  if (structured) out.AddRaw("structuredContent", text);
  return out.Take();
}

std::string ResourceList(Session& session, const std::string& cursor) {
  JsonObject params;
  if (!cursor.empty()) params.AddText("cursor", cursor);
  const Answer answer = AskFor(session, "skill.list", params.Take());
  const Json reply = Json::Parse(answer.envelope).value_or(Json());
  if (!cursor.empty() && !reply["data"].is_object()) return "";
  std::string list;
  for (const Json& row : reply["data"]["items"].items()) {
    const std::string& name = row["name"].Text();
    list += (list.empty() ? "" : ",") +
            JsonObject()
                .AddText("uri", std::string(kResources[0].front) + PercentEncoded(name))
                .AddText("name", name)
                .AddText("mimeType", "application/json")
                .Take();
  }
  JsonObject out;
  out.AddRaw("resources", "[" + list + "]");
  const Json& next = reply["data"]["next_cursor"];
  if (next.is_string()) out.AddText("nextCursor", next.Text());
  return out.Take();
}

std::string ResourceTemplates() {
  std::string list;
  for (const ResourceKind& kind : kResources) {
    list +=
        (list.empty() ? "" : ",") +
        JsonObject()
            .AddText("uriTemplate", std::string(kind.front) + "{" + std::string(kind.param) + "}")
            .AddText("name", kind.name)
            .AddText("description", kind.text)
            .AddText("mimeType", "application/json")
            .Take();
  }
  return JsonObject().AddRaw("resourceTemplates", "[" + list + "]").Take();
}

std::string ReadResource(Session& session, const std::string& uri) {
  for (const ResourceKind& kind : kResources) {
    if (!uri.starts_with(kind.front)) continue;
    const auto value = PercentDecoded(std::string_view(uri).substr(kind.front.size()));
    if (!value.has_value() || value->empty()) return "";
    const Answer answer = AskFor(session, kind.op, JsonObject().AddText(kind.param, *value).Take());
    const Json reply = Json::Parse(answer.envelope).value_or(Json());
    const Json& data = kind.param == "id" ? reply["data"]["schema"] : reply["data"];
    if (!data.is_object()) return "";
    const std::string content = JsonObject()
                                    .AddText("uri", uri)
                                    .AddText("mimeType", "application/json")
                                    .AddText("text", data.Dump())
                                    .Take();
    return JsonObject().AddRaw("contents", "[" + content + "]").Take();
  }
  return "";
}

}  // namespace selftune::cli::mcp
