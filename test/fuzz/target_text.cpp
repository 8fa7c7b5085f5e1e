// Anything as what a person asks for: a target of each kind, a time span. The first byte says which.
#include "core/restore/target.h"

#include <cstdlib>

#include "core/base/bytes.h"
#include "core/base/calendar_span.h"
#include "fuzz/target.h"

PITR_FUZZ_TARGET(target_text)(const uint8_t* data, size_t size) {
  using namespace pitr;
  if (size < 1) return 0;
  const std::string text(AsText({data + 1, size - 1}));
  TargetText target;
  std::string TargetText::*const kFields[] = {&TargetText::time, &TargetText::xid,      &TargetText::name,
                                              &TargetText::lsn,  &TargetText::timeline, &TargetText::action};
  target.*kFields[data[0] % std::size(kFields)] = text;
  target.exclusive = (data[0] & 128) != 0;
  const auto parsed = ParseTarget(target);
  if (parsed.ok() && DescribeTarget(parsed.value()).empty()) abort();
  const auto span = ParseCalendarSpan(text);
  if (!span.ok()) return 0;
  const auto again = ParseCalendarSpan(SpanText(span.value()));
  if (!again.ok() || again.value().months != span.value().months || again.value().micros != span.value().micros)
    abort();
  return 0;
}
