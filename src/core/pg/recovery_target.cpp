// Mirrors the order of the tests in the server: a transaction's end is looked at before it is replayed for
// exclusive targets and for times, after it otherwise.
#include "core/pg/recovery_target.h"

namespace pitr {

StopDecision DecideStop(const StopTarget& target, Lsn record_start, const WalEvent* event) {
  using Kind = StopTarget::Kind;
  const auto* end = event != nullptr ? std::get_if<TransactionEnd>(&event->what) : nullptr;
  const auto* point = event != nullptr ? std::get_if<RestorePoint>(&event->what) : nullptr;
  const StopDecision here = target.inclusive ? StopDecision::kStopAfter : StopDecision::kStopBefore;
  switch (target.kind) {
    case Kind::kLatest:
    case Kind::kImmediate:
      return StopDecision::kGoOn;
    case Kind::kTime:
      if (end == nullptr) return StopDecision::kGoOn;
      return (target.inclusive ? end->micros > target.micros : end->micros >= target.micros) ? StopDecision::kStopBefore
                                                                                             : StopDecision::kGoOn;
    case Kind::kXid:
      return end != nullptr && end->xid == target.xid ? here : StopDecision::kGoOn;
    case Kind::kName:
      return point != nullptr && point->name == target.name ? StopDecision::kStopAfter : StopDecision::kGoOn;
    case Kind::kLsn:
      return record_start >= target.lsn ? here : StopDecision::kGoOn;
  }
  return StopDecision::kGoOn;
}

}  // namespace pitr
