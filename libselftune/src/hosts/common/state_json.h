// Pieces of a reader's state as JSON, written compactly and read back exactly.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/json_value.h"
#include "base/json_writer.h"
#include "base/time.h"
#include "ingest/facts.h"

namespace selftune::hosts {

// Writes only what differs from the default, so that a state stays small.
void SaveText(base::JsonWriter& w, std::string_view key, std::string_view text);
void SaveInt(base::JsonWriter& w, std::string_view key, int64_t value);
void SaveFlag(base::JsonWriter& w, std::string_view key, bool value);
void SaveTime(base::JsonWriter& w, std::string_view key, std::optional<UtcMillis> time);
void SaveKeys(base::JsonWriter& w, std::string_view key, const std::vector<uint64_t>& keys);

[[nodiscard]] std::optional<UtcMillis> LoadTime(const base::JsonValue& value);
[[nodiscard]] std::optional<int32_t> LoadSeq(const base::JsonValue& value);
[[nodiscard]] std::vector<uint64_t> LoadKeys(const base::JsonValue& value);

void SaveOrigin(base::JsonWriter& w, std::string_view key, const ingest::Origin& origin);
[[nodiscard]] ingest::Origin LoadOrigin(const base::JsonValue& value);

void SaveSkill(base::JsonWriter& w, const ingest::SkillFact& fact);
[[nodiscard]] ingest::SkillFact LoadSkill(const base::JsonValue& value);

void SaveExposure(base::JsonWriter& w, const ingest::ExposureFact& fact);
[[nodiscard]] ingest::ExposureFact LoadExposure(const base::JsonValue& value);

}  // namespace selftune::hosts
