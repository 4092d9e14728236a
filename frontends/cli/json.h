// JSON as the command needs it: envelopes to read, parameters to write. The
// command knows the library only by its C interface, so it brings its own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace selftune::cli {

// A parsed document. Numbers keep their text, so that printing one again
// changes nothing. Lookups never fail: what is not there is null.
class Json {
 public:
  enum class Type { kNull, kBool, kNumber, kString, kArray, kObject };
  using Member = std::pair<std::string, Json>;

  Json() = default;
  // nullopt for anything but one well-formed document of at most 128 levels.
  [[nodiscard]] static std::optional<Json> Parse(std::string_view text);
  [[nodiscard]] static Json Object(std::vector<Member> members);
  [[nodiscard]] static Json Array(std::vector<Json> items);

  [[nodiscard]] Type type() const { return type_; }
  [[nodiscard]] bool is_null() const { return type_ == Type::kNull; }
  [[nodiscard]] bool is_object() const { return type_ == Type::kObject; }
  [[nodiscard]] bool is_array() const { return type_ == Type::kArray; }
  [[nodiscard]] bool is_string() const { return type_ == Type::kString; }
  [[nodiscard]] bool is_number() const { return type_ == Type::kNumber; }

  [[nodiscard]] bool Bool() const { return bool_; }
  [[nodiscard]] int64_t Int() const;              // 0 if not a number
  [[nodiscard]] double Double() const;            // 0 if not a number
  [[nodiscard]] const std::string& Text() const;  // "" if not a string
  [[nodiscard]] const std::vector<Json>& items() const { return items_; }
  [[nodiscard]] const std::vector<Member>& members() const { return members_; }
  // Member of an object; a null value otherwise.
  [[nodiscard]] const Json& operator[](std::string_view key) const;
  [[nodiscard]] bool Has(std::string_view key) const;

  [[nodiscard]] std::string Dump() const;

 private:
  friend class JsonParser;
  Type type_ = Type::kNull;
  bool bool_ = false;
  std::string text_;  // of a string, or a number as written
  std::vector<Json> items_;
  std::vector<Member> members_;
};

// `text` as a JSON string, quotes included. Invalid UTF-8 becomes U+FFFD.
[[nodiscard]] std::string Quote(std::string_view text);

// Writes an object member by member; what is not given is left out.
//   JsonObject().Add("skill", args.Get("skill")).AddInt("n", 3).Take()
class JsonObject {
 public:
  JsonObject& Add(std::string_view key, const std::optional<std::string>& text);
  JsonObject& AddText(std::string_view key, std::string_view text);
  JsonObject& AddInt(std::string_view key, int64_t value);
  JsonObject& AddBool(std::string_view key, bool value);
  JsonObject& AddTexts(std::string_view key, const std::vector<std::string>& texts);
  JsonObject& AddRaw(std::string_view key, std::string_view json);
  [[nodiscard]] std::string Take() { return std::move(out_) + "}"; }

 private:
  std::string out_ = "{";
};

}  // namespace selftune::cli
