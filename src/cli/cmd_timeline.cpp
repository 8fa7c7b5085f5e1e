// pg_pitr timeline: leave a branch of the archive's history out of every choice, or take it back.
#include "cli/reply.h"
#include "cli/session.h"
#include "core/base/process_name.h"
#include "core/repo/timelines/timeline_aside.h"
#include "core/restore/timeline_use.h"

namespace pitr::cli {
namespace {

struct TimelineOptions {
  uint32_t number = 0;
  std::string reason;
  bool force = false;
};

Result<Reply> RunTimeline(const Invocation& invocation, const TimelineOptions& options, bool aside) {
  Session session(invocation);
  PITR_ASSIGN(const auto repository, session.OpenRepository(SettingsFor::kStoring));
  if (aside && !options.force) PITR_TRY(CheckTimelineNotInUse(*repository, Timeline{options.number}, session.ctx()));
  const TimelineAside mark{aside, options.reason, ProcessName(), session.ctx().clock->WallMicros()};
  PITR_ASSIGN(const bool changed, SetTimelineAside(*repository, Timeline{options.number}, mark, session.ctx()));
  const std::string number = std::to_string(options.number);
  const std::string is =
      aside ? "set aside: no plan, window or standby chooses it by itself; --target-timeline " + number + " still does"
            : "one to be chosen from";
  return Reply{"timeline " + number + (changed ? " is now " : " was already ") + is + "\n",
               {{"timeline", options.number}, {"set_aside", aside}, {"changed", changed}, {"reason", options.reason}},
               kExitOk,
               {}};
}

void AddVerb(CLI::App& verb, Invocation& invocation, const std::shared_ptr<TimelineOptions>& options, bool aside) {
  AddConfigOption(verb, invocation);
  AddJsonOption(verb, invocation);
  verb.add_option("timeline", options->number, "Its number, as pg_pitr info shows it")
      ->required()
      ->type_name("NUMBER")
      ->check(CLI::Range(uint32_t{1}, UINT32_MAX));
  verb.callback([&invocation, options, aside] {
    invocation.run = [&invocation, options, aside] {
      return GiveReply(invocation, RunTimeline(invocation, *options, aside));
    };
  });
}

}  // namespace

void AddTimeline(CLI::App& app, Invocation& invocation) {
  auto* group = app.add_subcommand("timeline", "Leave a timeline out of every choice, or take it back");
  group->require_subcommand(1);
  AddConfigOption(*group, invocation);
  group->footer(
      "A restored copy that archived by mistake, or an old primary that was started once more, leaves a timeline that "
      "competes with the real one. Set aside, it is left out of plans, of the recovery window and of what a standby "
      "follows, until it is taken back. Nothing is deleted: the retention settings alone decide about that.\n"
      "A copy of a server that was quiet looks like its successor, and plans choose it without a question: set it "
      "aside, too, although they do not ask for it.\n"
      "Refused for the timeline of a server that lives: one that runs on this machine, or that was archived last of "
      "all within the last five minutes. Stop that server, then add --force.\n\n"
      "Example:\n  pg_pitr timeline set-aside 2 --reason 'test copy of Tuesday'");
  auto options = std::make_shared<TimelineOptions>();
  auto* set = group->add_subcommand("set-aside", "Leave a timeline out of every choice");
  set->add_option("--reason", options->reason, "Why, for those who come later")->type_name("TEXT");
  set->add_flag("--force", options->force, "Although the timeline is seen to be that of a server that lives");
  AddVerb(*set, invocation, options, true);
  AddVerb(*group->add_subcommand("take-back", "Choose from it again"), invocation, std::make_shared<TimelineOptions>(),
          false);
}

}  // namespace pitr::cli
