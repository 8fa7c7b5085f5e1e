#include "core/pg/replay_action.h"

namespace pitr {
namespace {

struct NoteAction {
  ReplayAction action;  // with start and xid
  std::vector<ReplayAction>* actions;

  void Add(ReplayAction::Kind kind, uint32_t oid) {
    action.kind = kind;
    action.oid = oid;
    actions->push_back(action);
  }
  void operator()(const TablespaceCreated& created) {
    action.path = created.path;
    Add(ReplayAction::Kind::kTablespaceCreated, created.tablespace);
  }
  void operator()(const TablespaceDropped& dropped) { Add(ReplayAction::Kind::kTablespaceDropped, dropped.tablespace); }
  void operator()(const DatabaseDropped& dropped) { Add(ReplayAction::Kind::kDatabaseDropped, dropped.database); }
  void operator()(const DatabaseInvalidated& invalidated) {
    Add(ReplayAction::Kind::kDatabaseInvalidated, invalidated.database);
  }
  void operator()(const OriginDropped& dropped) { Add(ReplayAction::Kind::kOriginDropped, dropped.origin); }
  void operator()(const ParameterChange& change) {
    action.limits = change.limits;
    action.wal_level = change.wal_level;
    action.xid = 0;
    Add(ReplayAction::Kind::kSettings, 0);
  }
  void operator()(const TransactionEnd& end) {
    for (ReplayAction& before : *actions) {
      if (before.xid == 0 || before.xid != end.xid || before.ended.valid()) continue;
      before.ended = action.start;
      before.committed = end.committed;
    }
  }
  template <class Other>
  void operator()(const Other&) {}
};

}  // namespace

void NoteReplayAction(const WalEvent& event, std::vector<ReplayAction>* actions) {
  if (actions->empty() && std::holds_alternative<TransactionEnd>(event.what)) return;
  NoteAction note{{.start = event.start, .xid = event.xid}, actions};
  std::visit(note, event.what);
}

}  // namespace pitr
