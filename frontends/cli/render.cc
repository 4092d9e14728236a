#include "cli/render.h"

#include <algorithm>
#include <array>

#include "cli/text.h"

namespace selftune::cli {
namespace {

constexpr size_t kGap = 2;        // blanks between columns
constexpr size_t kNarrowest = 8;  // a flexible column is never narrower
constexpr size_t kNarrowValue = 20;

std::string Aligned(const std::string& text, size_t width, Table::Align align) {
  return align == Table::Align::kRight ? PadLeft(text, width) : PadRight(text, width);
}

std::string TrimRight(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

std::string Scalar(const Json& value) {
  switch (value.type()) {
    case Json::Type::kNull:
      return "-";
    case Json::Type::kBool:
      return value.Bool() ? "yes" : "no";
    case Json::Type::kString:
      return OneLine(value.Text());
    default:
      return value.Dump();
  }
}

std::string Label(std::string_view key) {
  std::string out(key);
  std::replace(out.begin(), out.end(), '_', ' ');
  return OneLine(out);
}

bool IsTable(const Json& value) {
  return value.is_array() && !value.items().empty() && value.items()[0].is_object();
}

std::string DrawList(const Json& list, const Screen& screen) {
  std::vector<Table::Column> columns;
  std::vector<std::string> keys;
  for (const auto& [key, value] : list.items()[0].members()) {
    if (value.is_object() || IsTable(value)) continue;
    keys.push_back(key);
    const auto align = value.is_number() ? Table::Align::kRight : Table::Align::kLeft;
    columns.push_back({Label(key), align, /*flexible=*/true});
  }
  Table table(std::move(columns));
  for (const Json& item : list.items()) {
    std::vector<Table::Cell> row;
    for (const std::string& key : keys) {
      const Json& value = item[key];
      row.push_back({value.is_array() ? JoinTexts(value) : Scalar(value)});
    }
    table.Add(std::move(row));
  }
  return table.Draw(screen);
}

void CollectFields(const Json& object, const std::string& prefix, Fields& fields) {
  for (const auto& [key, value] : object.members()) {
    if (IsTable(value)) continue;
    const std::string label = prefix + Label(key);
    if (value.is_object()) {
      CollectFields(value, label + " ", fields);
    } else if (value.is_array()) {
      fields.Add(label, value.items().empty() ? "none" : JoinTexts(value));
    } else {
      fields.Add(label, Scalar(value));
    }
  }
}

}  // namespace

std::string Screen::Paint(Style style, std::string_view text) const {
  constexpr std::array kCodes = {"", "1", "2", "32", "33", "31"};
  if (!colour || style == Style::kPlain || text.empty()) return std::string(text);
  return "\x1b[" + std::string(kCodes[static_cast<size_t>(style)]) + "m" + std::string(text) +
         "\x1b[0m";
}

std::string Table::Draw(const Screen& screen) const {
  std::vector<size_t> widths;
  for (size_t c = 0; c < columns_.size(); ++c) {
    size_t width = Width(columns_[c].title);
    for (const auto& row : rows_) width = std::max(width, Width(row[c].text));
    widths.push_back(width);
  }
  const auto total = [&] {
    size_t sum = widths.empty() ? 0 : (widths.size() - 1) * kGap;
    for (const size_t width : widths) sum += width;
    return sum;
  };
  while (total() > screen.width) {
    // The first column says what the row is about: it gives way last.
    size_t widest = columns_.size();
    for (size_t i = 1; i <= columns_.size(); ++i) {
      const size_t c = i % columns_.size();
      const size_t floor = std::max(kNarrowest, Width(columns_[c].title));
      if (!columns_[c].flexible || widths[c] <= floor) continue;
      if (c == 0 && widest != columns_.size()) continue;
      if (widest == columns_.size() || widths[c] > widths[widest]) widest = c;
    }
    if (widest == columns_.size()) break;
    --widths[widest];
  }
  if (total() > screen.width) return DrawBelow(screen);
  std::string out;
  std::string line;
  for (size_t c = 0; c < columns_.size(); ++c) {
    line += Aligned(columns_[c].title, widths[c], columns_[c].align) + std::string(kGap, ' ');
  }
  out += screen.Paint(Style::kDim, TrimRight(line)) + "\n";
  for (const auto& row : rows_) {
    line.clear();
    for (size_t c = 0; c < columns_.size(); ++c) {
      const std::string cell =
          Aligned(Shorten(row[c].text, widths[c]), widths[c], columns_[c].align);
      line += screen.Paint(row[c].style, cell) + std::string(kGap, ' ');
    }
    out += TrimRight(line) + "\n";
  }
  return out;
}

std::string Table::DrawBelow(const Screen& screen) const {
  constexpr size_t kIndent = 2;
  const Screen inner{.width = screen.width - kIndent, .colour = screen.colour};
  std::string out;
  for (const auto& row : rows_) {
    if (!out.empty()) out += "\n";
    out += screen.Paint(Style::kBold, Shorten(row[0].text, screen.width)) + "\n";
    Fields fields;
    for (size_t c = 1; c < columns_.size(); ++c) {
      if (!row[c].text.empty()) fields.Add(columns_[c].title, row[c].text);
    }
    const std::string below = fields.Draw(inner);
    for (size_t at = 0; at < below.size();) {
      const size_t end = below.find('\n', at);
      out += std::string(kIndent, ' ') + below.substr(at, end - at) + "\n";
      at = end + 1;
    }
  }
  return out;
}

void Fields::AddText(std::string label, const Json& value) {
  if (!value.Text().empty()) Add(std::move(label), OneLine(value.Text()));
}

void Fields::AddCount(std::string label, const Json& value) {
  if (value.is_number()) Add(std::move(label), Count(value.Int()));
}

std::string Fields::Draw(const Screen& screen) const {
  size_t widest = 0;
  for (const auto& row : rows_) widest = std::max(widest, Width(row.first));
  std::string out;
  for (const auto& [label, value] : rows_) {
    const size_t indent = widest + kGap;
    if (screen.width < indent + kNarrowValue && Width(label) + kGap + Width(value) > screen.width) {
      // No room beside it.
      out += screen.Paint(Style::kDim, label) + "\n";
      for (const std::string& line : Wrap(value, screen.width - kGap)) {
        out += std::string(kGap, ' ') + line + "\n";
      }
      continue;
    }
    const size_t room = std::max(kNarrowValue, screen.width - std::min(screen.width, indent));
    std::vector<std::string> lines = Wrap(value, room);
    if (lines.empty()) lines.emplace_back();
    for (size_t i = 0; i < lines.size(); ++i) {
      const std::string head =
          i == 0 ? screen.Paint(Style::kDim, PadRight(label, widest)) : std::string(widest, ' ');
      out += TrimRight(head + std::string(kGap, ' ') + lines[i]) + "\n";
    }
  }
  return out;
}

std::string Heading(const Screen& screen, std::string_view text) {
  return screen.Paint(Style::kBold, text) + "\n";
}

std::string RateOf(int64_t k, int64_t n) {
  if (n == 0) return "-";
  return Count(k) + " of " + Count(n) + " (" +
         Percent(static_cast<double>(k) / static_cast<double>(n)) + ")";
}

std::string JoinTexts(const Json& list, std::string_view separator) {
  std::string out;
  for (const Json& item : list.items()) {
    if (!out.empty()) out += separator;
    out += Scalar(item);
  }
  return out;
}

std::string RenderFields(const Reply& reply, const Screen& screen) {
  Fields fields;
  CollectFields(reply.data(), "", fields);
  std::string out = fields.Draw(screen);
  for (const auto& [key, value] : reply.data().members()) {
    if (!IsTable(value)) continue;
    if (!out.empty()) out += "\n";
    out += Heading(screen, Label(key)) + DrawList(value, screen);
  }
  return out;
}

std::string RenderTail(const Reply& reply, const Screen& screen) {
  std::string out;
  for (const Json& warning : reply.envelope["warnings"].items()) {
    out += screen.Paint(Style::kWarn, "warning") + ": " + OneLine(warning["message"].Text());
    const std::string command = OneLine(warning["next"]["command"].Text());
    out += (command.empty() ? "" : "; " + command) + "\n";
  }
  if (reply.dry_run() && !reply.data()["plan_id"].is_null()) {
    const std::string id = OneLine(reply.data()["plan_id"].Text());
    if (!id.empty()) {
      out += screen.Paint(Style::kDim, "plan") + ": " + id + "   " +
             screen.Paint(Style::kDim, "to do exactly this: --plan " + id) + "\n";
    }
  }
  const Json& next = reply.envelope["next"];
  if (next.is_object()) {
    out += screen.Paint(Style::kDim, "next") + ": " + OneLine(next["command"].Text());
    const std::string reason = OneLine(next["reason"].Text());
    out += (reason.empty() ? "" : "   " + screen.Paint(Style::kDim, reason)) + "\n";
  }
  return out;
}

}  // namespace selftune::cli
