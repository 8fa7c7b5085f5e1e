// usage: pitr_faults --layer LIBRARY [--store directory|s3] [--rounds N] [--seed N] [--from N]
// Archives, fetches, backs up, expires, verifies and restores in a loop; in each round one of these is disturbed
// (fault_layer.c; with
// --store s3 also by the server's answers), then perhaps the power goes, and then it is done again undisturbed. It
// holds that
//   - what was acknowledged is there, byte for byte, also after a power cut; nothing that is kept is deleted; nobody
//   says "absent" or "damaged" of it;
//   - a directory that has pg_control is whole;
//   - every operation ends within its limit, and succeeds when it is not disturbed any more.
// One line for each round; the last says how it ended. Round N of a seed is the same each time as far as threads allow.
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>

#include "core/store/http.h"
#include "faults/child.h"
#include "faults/world.h"

namespace pitr::faults {
namespace {

constexpr long kMostListed = 80;  // entries of directories that an operation reads, about

enum class Operation { kPush, kGet, kBackup, kExpire, kVerify, kRestore };
constexpr const char* kOperationNames[] = {"push", "get", "backup", "expire", "verify", "restore"};

struct Story {
  World& world;
  std::map<Operation, long> calls;  // of an undisturbed run
  int64_t second = 1779440414;      // of the next backup
  int number = 0;                   // for names
  bool false_bytes = false;  // somebody answers 200 with other bytes than the store's, which cannot be told from damage
  std::string directory;     // that is being restored to
  size_t restored = 0;       // which of the backups
  std::string destination;   // of what is being fetched
  uint64_t fetched = 0, pushed = 0;
  Backup taking;
  bool acknowledged = false;  // push, backup: the operation under way was

  std::vector<std::string> Arguments(Operation operation) {
    const std::string settings = world.settings();
    switch (operation) {
      case Operation::kPush:
        return {"cli", "wal-push", "--config", settings, world.SegmentFile(pushed)};
      case Operation::kGet:
        return {"cli", "wal-get", "--config", settings, SegmentName(fetched), destination};
      case Operation::kBackup:
        return {"backup",
                settings,
                taking.label,
                taking.full ? "full" : "incr",
                world.data(),
                std::to_string(taking.first_segment),
                std::to_string(second)};
      case Operation::kExpire:
        return {"cli", "expire", "--config", settings};
      case Operation::kVerify:
        return {"cli", "verify", "--config", settings, "--no-progress", "--restart"};
      case Operation::kRestore:
        return {"restore", settings, world.backups[restored].label, directory};
    }
    return {};
  }
};

// What a fault may make an operation say. "" when it may.
std::string Judge(Story& story, Operation operation, const Outcome& outcome, bool disturbed) {
  World& world = story.world;
  if (outcome.status == -1) return outcome.text;
  if (outcome.status > 128 && outcome.status != 128 + 9 && outcome.status < 200)
    return "it ended with " + std::to_string(outcome.status) + ": " + outcome.text;
  if (!disturbed && outcome.status != 0)
    return "undisturbed, it fails with " + std::to_string(outcome.status) + ": " + outcome.text;
  // That an object is listed and said not to exist is what was seen.
  const bool may_be_damage = story.false_bytes || outcome.text.find("says that it does not exist") != std::string::npos;
  if (operation == Operation::kGet) {
    if (outcome.status == 1) return "wal-get says that an archived segment does not exist";
    if (outcome.status == 201 && !may_be_damage)
      return "wal-get says that an archived segment is damaged: " + outcome.text;
  }
  if (operation == Operation::kVerify && outcome.status == 4 && !may_be_damage)
    return "verify says damage: " + outcome.text;
  if (operation == Operation::kRestore)
    return world.CheckRestored(story.directory, world.backups[story.restored], outcome.status == 0);
  return "";
}

// What is acknowledged now.
void Note(Story& story, Operation operation, const Outcome& outcome) {
  if (operation == Operation::kBackup && outcome.status != 0) {
    story.world.backups.push_back(story.taking);
    story.world.backups.back().acknowledged = false;
    story.world.NoteKept();
  }
  if (outcome.status != 0 || story.acknowledged) return;
  if (operation == Operation::kPush) story.world.next_segment = story.pushed + 1;
  if (operation == Operation::kBackup) {
    story.world.backups.push_back(story.taking);
    story.world.NoteKept();
  }
  story.acknowledged = true;
}

void PushUndisturbed(Story& story, uint64_t until) {
  for (; story.world.next_segment < until; story.world.next_segment++) {
    story.pushed = story.world.next_segment;
    const Outcome outcome = story.world.Run(story.Arguments(Operation::kPush), "");
    if (outcome.status != 0) {
      printf("push: %d %s\n", outcome.status, outcome.text.c_str());
      exit(1);
    }
  }
}

void NewBackup(Story& story, bool full) {
  World& world = story.world;
  world.ChangeData();
  story.second += 60;
  story.taking = {"b" + std::to_string(++story.number), full, world.next_segment, world.DataNow()};
}

void Prepare(Story& story, Operation operation) {
  World& world = story.world;
  story.acknowledged = false;
  story.pushed = world.next_segment;
  if (operation == Operation::kBackup) {
    NewBackup(story, world.Below(3) == 0);
    PushUndisturbed(story, story.taking.first_segment + 2);
  }
  if (operation == Operation::kRestore) {
    if (!story.directory.empty()) std::filesystem::remove_all(story.directory);
    story.directory = world.At("restored-" + std::to_string(++story.number));
    story.restored = world.ChooseBackup();
  }
  if (operation == Operation::kGet) {
    std::filesystem::remove_all(world.At("fetched"));
    std::filesystem::create_directory(world.At("fetched"));
    story.destination = world.At("fetched/segment");
    story.fetched = world.first_segment + world.Below(world.next_segment - world.first_segment);
  }
}

// The same once more; of a backup, and of a restore that is done, another one: labels are taken, and the directory is
// no longer empty.
void Again(Story& story, Operation operation) {
  if (operation == Operation::kBackup || (operation == Operation::kRestore && story.acknowledged))
    Prepare(story, operation);
}

std::string ChooseFault(Story& story, Operation operation) {
  World& world = story.world;
  static constexpr int kErrors[] = {EIO, ENOSPC, EACCES, EMFILE, ESTALE, EDQUOT};
  const long calls = std::max(story.calls[operation], 1L);
  std::string kind;
  long times = 1, most = calls;
  switch (world.Below(11)) {
    case 0:
    case 1:
    case 2:
      kind = "kill";
      break;
    case 3:
      kind = "done";
      break;
    case 4:
    case 5:
    case 6:
      kind = "errno:" + std::to_string(kErrors[world.Below(std::size(kErrors))]);
      times = std::array{1, 1, 3, 100000}[world.Below(4)];
      break;
    case 7:
      kind = "absent";
      break;
    case 8:
      kind = "short";
      times = 1 + static_cast<long>(world.Below(3));
      break;
    case 9:
      kind = "stall";
      break;
    case 10:
      kind = "hidden";
      most = kMostListed;
      break;
  }
  return kind + " " + std::to_string(1 + world.Below(static_cast<uint64_t>(most))) + " " + std::to_string(times);
}

// A disturbed answer of the server: the `n`-th request from now on and as many as `times`.
std::string DisturbServer(World& world) {
  using Interference = test::LoopbackS3::Interference;
  static constexpr const char* kKinds[] = {"slow down",   "lost answer",   "unanswered", "internal error",
                                           "no such key", "a proxy's 404", "cut body",   "reset",
                                           "stall",       "login page",    "unlisted"};
  const size_t kind = world.Below(std::size(kKinds));
  const long n = 1 + static_cast<long>(world.Below(12)),
             times = kind == 4 || kind == 5 || kind == 10 || world.Below(2) == 0 ? 1 : 3;
  const int unlisted = static_cast<int>(world.Below(8));
  auto count = std::make_shared<long>(0);
  world.s3()->Interfere([=](const SeenRequest& seen) -> std::optional<Interference> {
    const bool reads = seen.method == "GET" || seen.method == "HEAD";
    const bool object = seen.target.find('?') == std::string::npos;
    const bool lists = seen.target.find("list-type=") != std::string::npos;
    if ((kind == 4 && !(reads && object)) || (kind == 6 && !reads) || (kind == 10 && !lists)) return std::nullopt;
    if (++*count < n || *count >= n + times) return std::nullopt;
    Interference other;
    switch (kind) {
      case 0:
        other.answer = {.status = 503, .reply = S3ErrorXml("SlowDown")};
        break;
      case 1:
        other = {{.close_unanswered = true}, true};
        break;
      case 2:
        other.answer.close_unanswered = true;
        break;
      case 3:
        other.answer = {.status = 500, .reply = S3ErrorXml("InternalError")};
        break;
      case 4:
        other.answer = {.status = 404, .reply = S3ErrorXml("NoSuchKey")};
        break;
      case 5:
        other.answer = {.status = 404, .reply = "<html>not here</html>"};
        break;
      case 6:
        other = {{.send_only = 10}, false, true};
        break;
      case 7:
        other = {{.reset_before_body = true}, false, true};
        break;
      case 8:
        other.answer.stall = true;
        break;
      case 9:
        other.answer = {
            .status = 200, .reply_headers = {{"Content-Type", "text/html"}}, .reply = "<html>log in</html>"};
        break;
      case 10:
        other = {{}, false, true, unlisted};
        break;
    }
    return other;
  });
  return std::string("server: ") + kKinds[kind] + " " + std::to_string(n) + " " + std::to_string(times);
}

int Fail(const std::string& what) {
  printf("FAILED: %s\n", what.c_str());
  return 1;
}

// 0 when all is well.
int Round(Story& story, int round) {
  World& world = story.world;
  constexpr Operation kChoice[] = {Operation::kPush,    Operation::kPush,   Operation::kPush,   Operation::kBackup,
                                   Operation::kBackup,  Operation::kExpire, Operation::kVerify, Operation::kRestore,
                                   Operation::kRestore, Operation::kGet};
  const Operation operation = kChoice[world.Below(std::size(kChoice))];
  Prepare(story, operation);
  std::string fault, server;
  if (world.s3() != nullptr && world.Below(3) != 0)
    server = DisturbServer(world);
  else
    fault = ChooseFault(story, operation);
  const Outcome outcome = world.Run(story.Arguments(operation), fault);
  if (world.s3() != nullptr) world.s3()->Interfere({});
  story.false_bytes = server.find("login page") != std::string::npos;
  const char* name = kOperationNames[static_cast<int>(operation)];
  printf("%d %s, %s%s: exit status %d", round, name, fault.c_str(), server.c_str(), outcome.status);
  fflush(stdout);
  if (const std::string wrong = Judge(story, operation, outcome, true); !wrong.empty())
    return printf("\n"), Fail(wrong + "\n" + outcome.text);
  story.false_bytes = false;
  Note(story, operation, outcome);
  for (const bool again : {false, true}) {
    if (again) {
      Again(story, operation);
      const Outcome undisturbed = world.Run(story.Arguments(operation), "");
      if (const std::string wrong = Judge(story, operation, undisturbed, false); !wrong.empty())
        return printf("\n"), Fail("again: " + wrong);
      if (undisturbed.calls > 0) story.calls[operation] = undisturbed.calls;
      Note(story, operation, undisturbed);
    }
    if (world.Below(again ? 4 : 2) == 0) {
      printf("; power cut: %s", world.Cut().c_str());
      if (operation == Operation::kRestore) {
        const std::string wrong =
            world.CheckRestored(story.directory, world.backups[story.restored], story.acknowledged);
        if (!wrong.empty()) return printf("\n"), Fail("after the power cut: " + wrong);
      }
    }
    // Every acknowledged thing at times, the newest and one by chance each time.
    if (const std::string wrong = world.Check(again && round % 20 == 0); !wrong.empty())
      return printf("\n"), Fail(wrong);
  }
  printf("\n");
  return 0;
}

int RunStory(World& world, int rounds) {
  Story story{world};
  for (const bool full : {true, false, true}) {
    NewBackup(story, full);
    PushUndisturbed(story, story.taking.first_segment + 2);
    const Outcome outcome = world.Run(story.Arguments(Operation::kBackup), "");
    if (outcome.status != 0) return Fail("the first backups: " + outcome.text);
    story.acknowledged = false;
    Note(story, Operation::kBackup, outcome);
  }
  // How many calls each makes.
  for (const Operation operation : {Operation::kPush, Operation::kGet, Operation::kBackup, Operation::kExpire,
                                    Operation::kVerify, Operation::kRestore}) {
    Prepare(story, operation);
    const Outcome outcome = world.Run(story.Arguments(operation), "");
    if (const std::string wrong = Judge(story, operation, outcome, false); !wrong.empty())
      return Fail(std::string(kOperationNames[static_cast<int>(operation)]) + ": " + wrong);
    story.calls[operation] = outcome.calls;
    Note(story, operation, outcome);
  }
  for (int round = 1; round <= rounds; round++)
    if (const int status = Round(story, round); status != 0) return status;
  printf("%d faults: nothing lost, nothing wrong, nothing stuck\n", rounds);
  return 0;
}

}  // namespace
}  // namespace pitr::faults

int main(int argc, char** argv) {
  using namespace pitr::faults;
  if (argc > 2 && strcmp(argv[1], "--child") == 0) return RunChild(argc - 2, argv + 2);
  std::string layer;
  StoreKind store = StoreKind::kDirectory;
  int rounds = 500;
  uint64_t seed = 1;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string word = argv[i], value = argv[i + 1];
    if (word == "--layer") layer = value;
    if (word == "--store" && value == "s3") store = StoreKind::kS3;
    if (word == "--rounds") rounds = atoi(value.c_str());
    if (word == "--seed") seed = strtoull(value.c_str(), nullptr, 10);
  }
  if (layer.empty() || argc % 2 == 0) return fprintf(stderr, "pitr_faults: wrong command line\n"), 2;
  setvbuf(stdout, nullptr, _IOLBF, 0);
  if (access("/dev/shm", W_OK) == 0) setenv("TMPDIR", "/dev/shm", /*overwrite=*/0);
  printf("seed %llu\n", static_cast<unsigned long long>(seed));
  World world(store, std::filesystem::absolute(layer).string(), seed);
  return RunStory(world, rounds);
}
