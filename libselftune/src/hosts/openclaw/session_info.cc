#include "hosts/openclaw/session_info.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "hosts/common/skill_listing.h"

namespace selftune::hosts::openclaw {
namespace {

using base::JsonField;

void Take(JsonField& value, std::string& out) {
  if (const auto text = value.String(); text.has_value()) out = *text;
}

// agent:<id>:<rest> -> <rest>
std::string_view WithoutAgent(std::string_view key) {
  constexpr std::string_view kAgent = "agent:";
  if (!key.starts_with(kAgent)) return key;
  const size_t end = key.find(':', kAgent.size());
  return end == std::string_view::npos ? std::string_view() : key.substr(end + 1);
}

void ReadSnapshot(JsonField& value, SessionInfo& info) {
  value.ForEachField([&](std::string_view key, JsonField& field) {
    if (key == "prompt") Take(field, info.listing_text);
    if (key == "promptRef") {
      field.ForEachField([&](std::string_view name, JsonField& text) {
        if (name == "hash") Take(text, info.listing_sha256);
      });
    }
    if (key != "skills") return;
    field.ForEachItem([&](JsonField& skill) {
      skill.ForEachField([&](std::string_view name, JsonField& text) {
        if (name == "name") info.listed.emplace_back(text.String().value_or(std::string_view()));
      });
    });
  });
}

}  // namespace

SessionKind SessionInfo::Kind() const {
  const std::string_view rest = WithoutAgent(key);
  if (!spawned_by.empty() || created_via == "spawn" || rest.starts_with("subagent:")) {
    return SessionKind::kSubagent;
  }
  const bool scheduled = created_via == "cron" || created_via == "internal" || external ||
                         rest.starts_with("cron:") || rest.starts_with("hook:");
  return scheduled ? SessionKind::kAutomation : SessionKind::kMain;
}

bool SessionInfo::Internal() const { return WithoutAgent(key).starts_with("selftune-"); }

std::string SessionInfo::Channel() const {
  static constexpr std::array<std::string_view, 7> kNone = {"main",     "explicit", "cron",  "hook",
                                                            "subagent", "acp",      "global"};
  const std::string_view rest = WithoutAgent(key);
  const size_t end = rest.find(':');
  const std::string_view first = rest.substr(0, end);
  if (end == std::string_view::npos) return "";
  return std::find(kNone.begin(), kNone.end(), first) == kNone.end() ? std::string(first) : "";
}

std::shared_ptr<const ingest::Listing> ReadListing(const SessionInfo& info, std::string_view home) {
  if (!info.listing_text.empty()) {
    std::string text = info.listing_text;
    if (!home.empty()) {
      text = base::ReplaceAll(text, "<location>~/", "<location>" + std::string(home) + "/");
    }
    auto listing = ParseSkillElements(text);
    if (listing.has_value()) return std::make_shared<const ingest::Listing>(*std::move(listing));
  }
  if (info.listed.empty()) return nullptr;
  auto listing = std::make_shared<ingest::Listing>();
  for (const std::string& name : info.listed) {
    if (!name.empty()) listing->entries.push_back({.name = name});
  }
  return listing;
}

void ReadEntryFields(JsonField& value, SessionInfo& info) {
  value.ForEachField([&](std::string_view key, JsonField& field) {
    if (key == "sessionId") Take(field, info.id);
    if (key == "createdVia") Take(field, info.created_via);
    if (key == "spawnedBy") Take(field, info.spawned_by);
    if (key == "label") Take(field, info.label);
    if (key == "skillsSnapshot") ReadSnapshot(field, info);
  });
}

Status ReadEntry(std::string_view json, base::LineParser& parser, SessionInfo& info) {
  return parser.ForEachField(json, [&](std::string_view key, JsonField& field) {
    if (key == "sessionId") Take(field, info.id);
    if (key == "skillsSnapshot") ReadSnapshot(field, info);
  });
}

}  // namespace selftune::hosts::openclaw
