#include "upstream/row_text.h"

#include <doctest/doctest.h>

#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "base/crypto.h"

namespace selftune::upstream {
namespace {

using store::LooseRow;
using store::LooseValue;

LooseValue Blob(std::string bytes) {
  LooseValue value = LooseValue::Text(std::move(bytes));
  value.type = LooseValue::Type::kBlob;
  return value;
}

LooseRow RowOf(std::vector<LooseValue> values) {
  auto names = std::make_shared<std::vector<std::string>>();
  for (size_t i = 0; i < values.size(); ++i) names->push_back("column \"" + std::to_string(i));
  return {names, std::move(values)};
}

// So many bytes, with all that is escaped and characters of every length.
std::string LongText(size_t size) {
  const std::string piece = "a\n\"\\\x01\x7f\u00e9\u20ac\U0001f600";
  std::string out;
  while (out.size() < size) out += piece;
  return out;
}

}  // namespace

TEST_SUITE("upstream/row_text") {
  TEST_CASE("the digest of a row is that of its whole note") {
    std::vector<std::vector<LooseValue>> rows = {
        {},
        {LooseValue()},
        {LooseValue::Int(-5), LooseValue::Real(0.25), LooseValue::Text(""), Blob("\x00\xff")},
        {LooseValue::Real(std::numeric_limits<double>::infinity()), LooseValue::Text("\xc3(")},
        {Blob(std::string(200'000, 'b')), LooseValue::Text(std::string(200'000, '\xff'))}};
    // A character lies across the end of a piece, whichever its length.
    for (size_t lead = 0; lead < 8; ++lead) {
      rows.push_back({LooseValue::Text(std::string(lead, 'x') + LongText(200'000)),
                      LooseValue::Text("behind it")});
    }
    for (std::vector<LooseValue>& values : rows) {
      const LooseRow row = RowOf(std::move(values));
      CAPTURE(row.size());
      CHECK(DigestOf(row) == base::FieldHash("row").Add(WholeNote(row)).Key16());
    }
  }

  TEST_CASE("a text is looked at where it lies, and mended in a copy") {
    const LooseValue plain = LooseValue::Text("caf\u00e9");
    CHECK(TextIn(plain).view().data() == plain.bytes.data());
    for (const LooseValue& value : {plain, LooseValue::Text("\xc3("), LooseValue::Int(12),
                                    LooseValue::Real(0.5), LooseValue(), Blob("b\xff")}) {
      TextIn first(value);
      const TextIn moved = std::move(first);
      CHECK(moved.view() == TextOf(value));
    }
  }
}

}  // namespace selftune::upstream
