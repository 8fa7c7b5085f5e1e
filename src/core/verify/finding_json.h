// A finding as JSON, as it is kept in the repository and shown to programs.
#pragma once
#include "core/repo/envelope/json_fields.h"
#include "core/verify/finding.h"

namespace pitr {

Json EncodeFinding(const Finding& finding);
// kCorruption naming the field.
Result<Finding> DecodeFinding(const JsonFields& fields);

}  // namespace pitr
