#include "status/badge.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "base/crypto.h"
#include "base/json_writer.h"
#include "base/xml.h"

namespace selftune::status {
namespace {

using monitoring::State;
using monitoring::Trend;

constexpr std::string_view kShields = "https://img.shields.io/badge/";
constexpr double kMark = 17;  // the sign before the label, and its gap

std::string_view ColorOf(State state) {
  switch (state) {
    case State::kHealthy:
      return "#4c1";
    case State::kWarning:
    case State::kUncertain:
      return "#dfb317";
    case State::kCritical:
      return "#e05d44";
    case State::kUnknown:
    case State::kUngraded:
      return "#9f9f9f";
  }
  return "#9f9f9f";
}

std::string_view ArrowOf(Trend trend) {
  switch (trend) {
    case Trend::kUp:
      return " ↑";
    case Trend::kDown:
      return " ↓";
    case Trend::kStable:
      return " →";
    case Trend::kUnknown:
      return "";
  }
  return "";
}

void CountRate(Badge& badge, int64_t k, int64_t n, std::string_view of, Trend trend) {
  badge.k = k;
  badge.n = n;
  if (n == 0) {
    badge.message = "no data";
    badge.title = fmt::format("no {} in 30 days", of);
    return;
  }
  const stats::Interval interval =
      stats::Wilson(static_cast<double>(k), static_cast<double>(n), stats::kZ95);
  badge.message =
      fmt::format("{:.0f}%{}", std::round(100.0 * static_cast<double>(k) / static_cast<double>(n)),
                  ArrowOf(trend));
  badge.title = fmt::format("{} of {} {} in 30 days, 95 % interval {:.0f} to {:.0f} %", k, n, of,
                            interval.lo * 100, interval.hi * 100);
}

// Of Verdana 11, in tenths of a pixel; other characters have kOther.
constexpr int kOther = 68;
constexpr std::array<int, 26> kLower = {62, 66, 56, 66, 62, 36, 66, 66, 28, 28, 62, 28, 100,
                                        66, 66, 66, 66, 39, 56, 36, 66, 62, 89, 59, 60, 56};
constexpr std::array<int, 26> kUpper = {75, 75, 72, 78, 68, 63, 78, 78, 30, 50,  72, 62, 89,
                                        78, 78, 66, 78, 72, 72, 65, 78, 72, 100, 68, 65, 68};

int WidthOf(char c) {
  if (c >= 'a' && c <= 'z') return kLower[static_cast<size_t>(c - 'a')];
  if (c >= 'A' && c <= 'Z') return kUpper[static_cast<size_t>(c - 'A')];
  if (c >= '0' && c <= '9') return 66;
  if (std::string_view(" !.:").find(c) != std::string_view::npos) return 33;
  if (std::string_view("%+").find(c) != std::string_view::npos) return 73;
  if (std::string_view("()/").find(c) != std::string_view::npos) return 36;
  return c == '-' ? 39 : kOther;
}

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// In pixels. An arrow is as wide as a digit.
double TextWidth(std::string_view text) {
  int tenths = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (IsContinuation(text[i])) continue;
    tenths += text.substr(i).starts_with("\xE2\x86") ? 66 : WidthOf(text[i]);
  }
  return tenths / 10.0;
}

// Without what XML knows not, and what turns the direction of writing: those are blanks.
std::string Plain(std::string_view text) {
  constexpr std::string_view kUnwanted[] = {"\xEF\xBF\xBE", "\xEF\xBF\xBF", "\xE2\x80\xAA",
                                            "\xE2\x80\xAB", "\xE2\x80\xAC", "\xE2\x80\xAD",
                                            "\xE2\x80\xAE", "\xE2\x81\xA6", "\xE2\x81\xA7",
                                            "\xE2\x81\xA8", "\xE2\x81\xA9"};
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const std::string_view rest = text.substr(i);
    const bool unwanted =
        std::any_of(std::begin(kUnwanted), std::end(kUnwanted),
                    [&](std::string_view bytes) { return rest.starts_with(bytes); });
    if (unwanted) i += kUnwanted[0].size() - 1;
    const auto byte = static_cast<unsigned char>(text[i]);
    out += unwanted || byte < 0x20 || byte == 0x7F ? ' ' : text[i];
  }
  return out;
}

// Tells a badge of ours, and of which label it is.
std::string SvgMark(std::string_view label) {
  return fmt::format("data-selftune-badge=\"{}\"", base::XmlEscaped(label));
}

// One part of a path of shields.io, where - and _ stand for themselves doubled.
std::string PathPart(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '-' || c == '_') {
      out += c;
      out += c;
    } else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '~') {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

std::string TextTwice(double x, std::string_view text) {
  return fmt::format(
      "<text x=\"{0}\" y=\"15\" fill=\"#010101\" fill-opacity=\".3\">{1}</text>"
      "<text x=\"{0}\" y=\"14\">{1}</text>",
      x, text);
}

}  // namespace

Badge MakeBadge(const SkillState& state, const BadgeRequest& request) {
  Badge badge;
  badge.label = request.label.empty() ? "Skill Health" : Plain(request.label);
  badge.color = ColorOf(state.health.state);
  switch (request.metric) {
    case BadgeMetric::kRecall:
      CountRate(badge, state.trigger.hit, state.trigger.expected, "prompts that needed it got it",
                state.health.trend);
      break;
    case BadgeMetric::kSessions:
      CountRate(badge, state.health.good, state.health.good + state.health.bad,
                "judged sessions were good", state.health.trend);
      break;
    case BadgeMetric::kRuns:
      if (request.label.empty()) badge.label = "Skill Runs";
      badge.k = badge.n = state.window.triggered;
      badge.message = fmt::format("{} in 30 days", badge.n);
      badge.title = fmt::format("used {} times in 30 days", badge.n);
      break;
  }
  if (!request.date.empty()) badge.message += fmt::format(" ({})", request.date);
  return badge;
}

std::string BadgeSvg(const Badge& badge, BadgeStyle style) {
  const double label = std::round(TextWidth(badge.label) + 20 + kMark);
  const double value = std::round(TextWidth(badge.message) + 20);
  const double total = label + 1 + value;
  const std::string name = base::XmlEscaped(badge.label + ": " + badge.message);
  // Several badges in one page must not share ids.
  const std::string id = "st" + base::Sha256Hex(name + badge.color).substr(0, 8);
  const bool flat = style == BadgeStyle::kFlat;
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"20\" viewBox=\"0 0 {0} "
      "20\" "
      "role=\"img\" aria-label=\"{1}\" {2}><title>{3}</title>",
      total, name, SvgMark(badge.label),
      base::XmlEscaped(badge.label + ": " + badge.message + ", " + badge.title));
  out += fmt::format(
      "<linearGradient id=\"{0}g\" x2=\"0\" y2=\"100%\"><stop offset=\"0\" stop-color=\"#bbb\" "
      "stop-opacity=\".1\"/><stop offset=\"1\" stop-opacity=\".1\"/></linearGradient>"
      "<clipPath id=\"{0}c\"><rect width=\"{1}\" height=\"20\" rx=\"{2}\" "
      "fill=\"#fff\"/></clipPath>",
      id, total, flat ? 3 : 0);
  out += fmt::format(
      "<g clip-path=\"url(#{0}c)\"><rect width=\"{1}\" height=\"20\" fill=\"#555\"/>"
      "<rect x=\"{1}\" width=\"{2}\" height=\"20\" fill=\"{3}\"/>",
      id, label, value + 1, badge.color);
  if (flat) out += fmt::format("<rect width=\"{}\" height=\"20\" fill=\"url(#{}g)\"/>", total, id);
  out +=
      "</g><path d=\"M4 11l2-3 3 5 3-7 3 4\" fill=\"none\" stroke=\"#fff\" stroke-width=\"1.5\" "
      "stroke-linecap=\"round\" stroke-linejoin=\"round\"/>"
      "<g fill=\"#fff\" text-anchor=\"middle\" font-family=\"Verdana,Geneva,DejaVu "
      "Sans,sans-serif\" "
      "font-size=\"11\">";
  out += TextTwice((label + kMark) / 2, base::XmlEscaped(badge.label));
  out += TextTwice(label + 1 + value / 2, base::XmlEscaped(badge.message));
  return out + "</g></svg>";
}

std::string BadgeUrl(const Badge& badge) {
  return fmt::format("{}{}-{}-{}", kShields, PathPart(badge.label), PathPart(badge.message),
                     std::string_view(badge.color).substr(1));
}

std::string BadgeMarkdown(const Badge& badge, std::string_view skill) {
  std::string text;
  for (const char c : badge.label + ": " + Plain(skill)) {
    if (std::string_view("\\[]()<>!`*_").find(c) != std::string_view::npos) text += '\\';
    text += c;
  }
  return fmt::format("![{}]({})", text, BadgeUrl(badge));
}

std::string BadgeEndpoint(const Badge& badge) {
  base::JsonWriter out;
  out.BeginObject()
      .Key("schemaVersion")
      .Int(1)
      .Field("label", badge.label)
      .Field("message", badge.message)
      .Field("color", badge.color)
      .EndObject();
  return std::move(out).Take();
}

bool IsEarlierBadge(std::string_view bytes, std::string_view content, const Badge& badge) {
  if (bytes.ends_with('\n')) bytes.remove_suffix(1);
  if (bytes.find('\n') != std::string_view::npos) return false;
  const std::string url = fmt::format("{}{}-", kShields, PathPart(badge.label));
  if (content.starts_with("<svg ")) {
    return bytes.starts_with("<svg ") && bytes.ends_with("</g></svg>") &&
           bytes.find(SvgMark(badge.label)) != std::string_view::npos;
  }
  if (content.starts_with(kShields)) return bytes.starts_with(url);
  if (content.starts_with('!')) {
    const size_t text = content.find("](");
    return bytes.starts_with(content.substr(0, text)) &&
           bytes.substr(text).starts_with("](" + url) && bytes.ends_with(')');
  }
  const std::string_view begin = content.substr(0, content.find(",\"message\":"));
  return bytes.starts_with(begin) && bytes.ends_with('}') &&
         std::count(bytes.begin(), bytes.end(), '{') == 1 &&
         bytes.find(']') == std::string_view::npos;
}

}  // namespace selftune::status
