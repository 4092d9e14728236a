#include <algorithm>
#include <cmath>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "store/arrow_column.h"
#include "store/arrow_stream.h"
#include "store/sql_query.h"
#include "unit/store/store_fixture.h"

namespace selftune::store {
namespace {

using testing::Must;
using testing::TempStore;

CellView Int(int64_t value) { return {.type = CellType::kInt, .integer = value}; }
CellView Real(double value) { return {.type = CellType::kReal, .real = value}; }
CellView Text(std::string_view value) { return {.type = CellType::kText, .bytes = value}; }
CellView Null() { return {}; }

// A column of these values, after the first batch: its type and its values.
struct Column {
  ArrowArray array{};
  std::string format;

  Column(ColumnKind kind, const std::vector<CellView>& cells) {
    ArrowColumn column("c", kind, /*fixed=*/false);
    for (const CellView& cell : cells) CHECK_OK(column.Append(cell));
    column.Freeze();
    ArrowSchema schema{};
    column.Describe(&schema);
    format = schema.format;
    schema.release(&schema);
    column.Finish(&array);
  }
  Column(const Column&) = delete;
  Column& operator=(const Column&) = delete;
  ~Column() { array.release(&array); }

  [[nodiscard]] bool IsNull(size_t row) const {
    const auto* bits = static_cast<const uint8_t*>(array.buffers[0]);
    return bits != nullptr && (bits[row / 8] >> (row % 8) & 1) == 0;
  }
  template <typename T>
  [[nodiscard]] T At(size_t row) const {
    return static_cast<const T*>(array.buffers[1])[row];
  }
  [[nodiscard]] std::string TextAt(size_t row) const {
    const auto* ends = static_cast<const int32_t*>(array.buffers[1]);
    const auto* chars = static_cast<const char*>(array.buffers[2]);
    return {chars + ends[row], chars + ends[row + 1]};
  }
};

// The formats of the columns of a query.
std::string Formats(const TempStore& store, const ArrowQuery& query) {
  ArrowArrayStream stream{};
  const Status status = ExportArrow(store.path(), query, {}, &stream);
  if (!status.ok()) return std::string(CodeOf(status).name);
  ArrowSchema schema{};
  CHECK(stream.get_schema(&stream, &schema) == 0);
  std::string out;
  for (int64_t i = 0; i < schema.n_children; ++i) {
    out += (i > 0 ? " " : "") + std::string(schema.children[i]->format);
  }
  schema.release(&schema);
  stream.release(&stream);
  return out;
}

}  // namespace

TEST_SUITE("store/arrow") {
  TEST_CASE("a column takes the narrowest type that holds its values") {
    CHECK(Column(ColumnKind::kUnknown, {Int(1), Int(-2)}).format == "l");
    CHECK(Column(ColumnKind::kUnknown, {Null(), Real(0.5), Int(2)}).format == "g");
    CHECK(Column(ColumnKind::kUnknown, {Int(1), Null(), Real(0.5)}).format == "g");
    CHECK(Column(ColumnKind::kUnknown, {Null(), Null()}).format == "u");
    CHECK(Column(ColumnKind::kUnknown, {}).format == "u");
    CHECK(Column(ColumnKind::kBool, {Int(1), Int(0)}).format == "b");
    CHECK(Column(ColumnKind::kBool, {Int(1), Int(2)}).format == "l");
    CHECK(Column(ColumnKind::kTimestamp, {Text("2026-01-31T08:00:00.250Z")}).format == "tsm:UTC");
    CHECK(Column(ColumnKind::kDictionary, {Text("a"), Int(1)}).format == "i");
  }

  TEST_CASE("an integer that no double is stays what it is") {
    constexpr int64_t kOdd = 9007199254740993;  // 2^53 + 1
    for (const std::vector<CellView>& cells :
         {std::vector<CellView>{Int(kOdd), Real(0.5)}, {Real(0.5), Int(kOdd)}}) {
      const Column mixed(ColumnKind::kUnknown, cells);
      CHECK(mixed.format == "u");
      CHECK(mixed.TextAt(cells[0].type == CellType::kInt ? 0 : 1) == "9007199254740993");
      CHECK(mixed.TextAt(cells[0].type == CellType::kInt ? 1 : 0) == "0.5");
    }
    const Column exact(ColumnKind::kUnknown, {Int(kOdd - 1), Int(INT64_MIN), Real(0.5)});
    CHECK(exact.format == "g");
    CHECK(exact.At<double>(0) == 9007199254740992.0);
    CHECK(exact.At<double>(1) == -9223372036854775808.0);
    CHECK(Column(ColumnKind::kUnknown, {Int(INT64_MAX), Real(0.5)}).format == "u");
    CHECK(Column(ColumnKind::kUnknown, {Int(INT64_MAX), Int(kOdd)}).format == "l");
    // Nor is it rounded for who asks for float64.
    ArrowColumn asked("c", ColumnKind::kFloat64, /*fixed=*/true);
    CHECK_OK(asked.Append(Int(kOdd - 1)));
    const Status status = asked.Append(Int(kOdd));
    CHECK(CodeOf(status).name == "QUERY_REFUSED");
    CHECK(Message(status).find("an integer of more than 53 bits") != std::string::npos);
    CHECK(Suggestion(status).find(R"("c":"utf8")") != std::string::npos);
    // After the first batch, too.
    ArrowColumn later("c", ColumnKind::kUnknown, /*fixed=*/false);
    CHECK_OK(later.Append(Int(kOdd)));
    later.Freeze();
    CHECK_FALSE(later.Append(Real(0.5)).ok());
    CHECK(later.wider() == ColumnKind::kUtf8);
  }

  TEST_CASE("all rows decide: the query runs twice at most, and on one snapshot") {
    TempStore store;
    constexpr int kColumns = 40;
    std::string sql =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<66000) "
        "SELECT (SELECT count(*) FROM source_files WHERE source_id>-i) AS files";
    ArrowQuery once{.sql = {}, .args = {}, .types = {}, .whole = true};
    std::string formats = "l";
    for (int i = 0; i < kColumns; ++i) {
      const std::string name = "c" + std::to_string(i);
      // Each gets its first value in another row behind the first batch; every
      // other one another kind of value later.
      const std::string row = std::to_string(65'600 + i);
      sql += ", CASE WHEN i<" + row + " THEN NULL " +
             (i % 2 == 0 ? "" : "WHEN i>" + row + " THEN i+0.5 ") + "ELSE i END AS " + name;
      once.types.emplace_back(name, i % 2 == 0 ? ColumnKind::kInt64 : ColumnKind::kFloat64);
      formats += i % 2 == 0 ? " l" : " g";
    }
    once.sql = sql + " FROM n";
    ArrowQuery decided = once;
    decided.types.clear();
    struct Looks {
      TempStore& store;
      int count = 0;
    };
    const auto look = [](void* user) -> int32_t {
      auto& looks = *static_cast<Looks*>(user);
      if (++looks.count == 3) {
        looks.store.Write([](IngestWriter& w) { testing::AddSource(w, "/x.jsonl"); });
      }
      return 0;
    };
    Looks decided_looks{store};
    ArrowArrayStream stream{};
    CHECK_OK(ExportArrow(store.path(), decided, {.stop = look, .user = &decided_looks}, &stream));
    CHECK(decided_looks.count > 3);
    int64_t rows = 0;
    for (;;) {
      ArrowArray batch{};
      REQUIRE(stream.get_next(&stream, &batch) == 0);
      if (batch.release == nullptr) break;
      const auto* files = static_cast<const int64_t*>(batch.children[0]->buffers[1]);
      for (int64_t i = 0; i < batch.length; ++i) rows += files[i] == 0 ? 1 : 0;
      batch.release(&batch);
    }
    CHECK(rows == 66'000);
    stream.release(&stream);
    CHECK(Formats(store, decided) == formats);

    Looks once_looks{store, 1000};
    CHECK_OK(ExportArrow(store.path(), once, {.stop = look, .user = &once_looks}, &stream));
    stream.release(&stream);
    CHECK(decided_looks.count <= 2 * (once_looks.count - 1000) + 2);
  }

  TEST_CASE("what was taken before a change of type is kept, nulls too") {
    const Column mixed(ColumnKind::kUnknown, {Null(), Int(7), Real(0.25), Text("x"), Null()});
    CHECK(mixed.format == "u");
    CHECK(mixed.array.null_count == 2);
    CHECK(mixed.IsNull(0));
    CHECK(mixed.IsNull(4));
    CHECK(mixed.TextAt(1) == "7.0");  // it was a real number by then
    CHECK(mixed.TextAt(2) == "0.25");
    CHECK(mixed.TextAt(3) == "x");

    const Column numbers(ColumnKind::kBool, {Int(1), Null(), Int(5), Real(1.5)});
    CHECK(numbers.format == "g");
    CHECK(numbers.At<double>(0) == 1.0);
    CHECK(numbers.IsNull(1));
    CHECK(numbers.At<double>(2) == 5.0);
    CHECK(numbers.At<double>(3) == 1.5);

    const Column times(ColumnKind::kTimestamp, {Text("2026-01-31T08:00:00.250Z"), Text("soon")});
    CHECK(times.format == "u");
    CHECK(times.TextAt(0) == "2026-01-31T08:00:00.250Z");
    CHECK(times.TextAt(1) == "soon");
  }

  TEST_CASE("times are milliseconds, truth is bits, blobs are hex") {
    const Column times(ColumnKind::kTimestamp, {Text("1970-01-01T00:00:01.250Z"), Null()});
    CHECK(times.At<int64_t>(0) == 1250);
    CHECK(times.IsNull(1));
    const Column truth(ColumnKind::kBool, {Int(1), Int(0), Null(), Int(1)});
    CHECK((truth.At<uint8_t>(0) & 0xb) == 0x9);
    CHECK(truth.array.length == 4);
    CHECK(truth.array.null_count == 1);
    const Column blobs(ColumnKind::kUnknown,
                       {{.type = CellType::kBlob, .bytes = std::string_view("\x0a\xff", 2)}});
    CHECK(blobs.TextAt(0) == "0aff");
  }

  TEST_CASE("texts are valid UTF-8, whatever the store holds, and keep their NULs") {
    const Column texts(ColumnKind::kUtf8, {Text("a\xff"
                                                "b"),
                                           Text(std::string_view("x\0y", 3)), Text("")});
    CHECK(texts.TextAt(0) ==
          "a\xef\xbf\xbd"
          "b");
    CHECK(texts.TextAt(1) == std::string("x\0y", 3));
    CHECK(texts.TextAt(2).empty());
    CHECK(texts.array.null_count == 0);
    CHECK(texts.array.buffers[0] == nullptr);
  }

  TEST_CASE("a dictionary grows from batch to batch and keeps its codes") {
    ArrowColumn column("c", ColumnKind::kDictionary, /*fixed=*/false);
    ArrowArray first{};
    ArrowArray second{};
    for (const char* word : {"a", "b", "a"}) CHECK_OK(column.Append(Text(word)));
    column.Freeze();
    column.Finish(&first);
    for (const char* word : {"c", "b"}) CHECK_OK(column.Append(Text(word)));
    column.Finish(&second);
    CHECK(first.dictionary->length == 2);
    CHECK(second.dictionary->length == 3);
    CHECK(static_cast<const int32_t*>(first.buffers[1])[2] == 0);
    CHECK(static_cast<const int32_t*>(second.buffers[1])[0] == 2);
    CHECK(static_cast<const int32_t*>(second.buffers[1])[1] == 1);
    first.release(&first);
    CHECK(second.dictionary->length == 3);
    second.release(&second);
  }

  TEST_CASE("a frozen column refuses what does not fit and names the row") {
    ArrowColumn column("c", ColumnKind::kUnknown, /*fixed=*/false);
    CHECK_OK(column.Append(Int(1)));
    column.Freeze();
    ArrowArray array{};
    column.Finish(&array);
    array.release(&array);
    CHECK_OK(column.Append(Null()));
    const Status status = column.Append(Text("x"));
    CHECK(CodeOf(status).name == "QUERY_REFUSED");
    CHECK(std::string(Message(status)).find("row 3 holds a text") != std::string::npos);
    column.Finish(&array);
    array.release(&array);
  }

  TEST_CASE("columns of views keep their types through joins, subqueries and names") {
    TempStore store;
    CHECK(Formats(store, {.sql = "SELECT started_at, is_live, platform, session_id FROM sessions",
                          .args = {},
                          .types = {}}) == "tsm:UTC b i u");
    CHECK(Formats(store, {.sql = "SELECT x.t AS u, p.prompt_index FROM (SELECT occurred_at AS t, "
                                 "session_id FROM prompts) x JOIN prompts p USING(session_id)",
                          .args = {},
                          .types = {}}) == "tsm:UTC l");
    CHECK(Formats(store, {.sql = "SELECT count(*), 1.5, max(started_at), 'a' FROM sessions",
                          .args = {},
                          .types = {}}) == "l g u u");
    CHECK(Formats(store, {.sql = "SELECT max(started_at) AS last FROM sessions",
                          .args = {},
                          .types = {{"last", ColumnKind::kTimestamp}}}) == "tsm:UTC");
    CHECK(Formats(store, {.sql = "SELECT * FROM body", .args = {}, .types = {}}) ==
          "QUERY_REFUSED");
  }

  TEST_CASE("every view and dataset of the list exists with its columns and types") {
    TempStore store;
    for (const Relation& relation : Relations()) {
      CAPTURE(relation.name);
      const std::string sql = "SELECT * FROM " + std::string(relation.source);
      const SqlResult result = Must(RunUserSql(store.path(), sql, {}));
      std::set<std::string> want;
      for (const RelationColumn& column : relation.columns) want.emplace(column.name);
      CHECK(std::set<std::string>(result.columns.begin(), result.columns.end()) == want);
      CHECK((relation.time.empty() || relation.Find(relation.time) != nullptr));
      if (relation.source.starts_with('(')) continue;
      ArrowArrayStream stream{};
      CHECK_OK(ExportArrow(store.path(), {.sql = sql, .args = {}, .types = {}}, {}, &stream));
      ArrowSchema schema{};
      CHECK(stream.get_schema(&stream, &schema) == 0);
      for (int64_t i = 0; i < schema.n_children; ++i) {
        CAPTURE(schema.children[i]->name);
        const ColumnKind kind = relation.Find(schema.children[i]->name)->kind;
        const std::string format = schema.children[i]->format;
        CHECK((kind == ColumnKind::kTimestamp) == (format == "tsm:UTC"));
        CHECK((kind == ColumnKind::kBool) == (format == "b"));
        CHECK((kind == ColumnKind::kDictionary) == (schema.children[i]->dictionary != nullptr));
      }
      schema.release(&schema);
      stream.release(&stream);
    }
  }

  TEST_CASE("a stream is one snapshot, whatever is written meanwhile") {
    TempStore store;
    ArrowArrayStream stream{};
    const char* sql =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<70000) "
        "SELECT i, (SELECT count(*) FROM source_files WHERE source_id>-i) AS files FROM n";
    CHECK_OK(ExportArrow(store.path(), {.sql = sql, .args = {}, .types = {}}, {}, &stream));
    store.Write([](IngestWriter& w) { testing::AddSource(w, "/x.jsonl"); });
    CHECK(testing::One(store.db(), "SELECT count(*) FROM source_files") == "1");
    int64_t rows = 0;
    for (;;) {
      ArrowArray batch{};
      REQUIRE(stream.get_next(&stream, &batch) == 0);
      if (batch.release == nullptr) break;
      const auto* files = static_cast<const int64_t*>(batch.children[1]->buffers[1]);
      for (int64_t i = 0; i < batch.length; ++i) rows += files[i] == 0 ? 1 : 0;
      batch.release(&batch);
    }
    CHECK(rows == 70000);
    stream.release(&stream);
  }
}

}  // namespace selftune::store
