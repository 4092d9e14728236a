// How an entry of an eval set is known to have come with an import, in SQL: `e` is its row.
#pragma once

// A forget of before may have taken the code `imported` away, which left the time of the set.
#define ST_ENTRY_IS_IMPORTED                                   \
  "(coalesce(json_extract(e.extra,'$.reason'),'')='imported' " \
  "OR (json_extract(e.extra,'$.reason')='[forgotten]' "        \
  "AND json_extract(e.extra,'$.set_ms') IS NOT NULL))"
