#include "core/backup/copy/life_signs.h"

#include "core/repo/backups/restore_hold.h"

namespace pitr {
namespace {

// A sign that is late is none the worse for it.
constexpr int64_t kSignsLast = 3;

}  // namespace

Result<std::unique_ptr<LifeSigns>> LifeSigns::Start(const Repository& repository, std::string label, std::string by,
                                                    int64_t interval_millis) {
  std::unique_ptr<LifeSigns> signs(new LifeSigns(repository, std::move(label), std::move(by), interval_millis));
  PITR_ASSIGN(signs->job_, Job::Start([own = signs.get()](const CancelToken& cancel) { return own->Give(cancel); }));
  return signs;
}

Status LifeSigns::Give(const CancelToken& cancel) {
  OpContext ctx;
  ctx.cancel = &cancel;
  for (bool warned = false;;) {
    ctx.Sleep(interval_millis_);
    if (ctx.cancelled()) return Status::Ok();
    const auto slot = CreateHold(repository_, label_, kSignsLast * interval_millis_ * 1000, by_, ctx);
    if (slot.ok()) {
      std::lock_guard lock(mutex_);
      slots_.push_back(slot.value());
    } else if (!warned && !ctx.cancelled()) {
      repository_.log().Warning("could not show that backup \"" + label_ +
                                "\" is still being taken: " + slot.status().ToString());
    }
    warned = !slot.ok();
  }
}

Status LifeSigns::End(const OpContext& ctx) {
  job_.reset();
  std::lock_guard lock(mutex_);
  for (; !slots_.empty(); slots_.pop_back()) PITR_TRY(RemoveHold(repository_, label_, slots_.back(), ctx));
  return Status::Ok();
}

}  // namespace pitr
