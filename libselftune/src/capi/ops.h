// Operations: functions from parameters to the `data` object of a reply.
//
// To add one:
//  1. Describe it in libselftune/api/operations.toml (name, params, reply).
//  2. Run tools/gen_ops.py. It declares the function in capi/ops.gen.h
//     (`skill.parse` is ops::SkillParse), adds it to the router, and writes
//     the schemas, the Python stubs and the reference.
//  3. Define the function in capi/ops_<group>.cc.
//
// Parameters arrive checked: required ones are there, types and choices hold,
// defaults are filled in, `time` parameters are RFC 3339. An optional
// parameter without default that was not given is null.
#pragma once

#include <string>

#include "base/error.h"
#include "base/json_value.h"
#include "capi/context.h"

namespace selftune::capi {

using OpFn = StatusOr<std::string> (*)(Context& context, const base::JsonValue& params);

}  // namespace selftune::capi

#include "capi/ops.gen.h"
