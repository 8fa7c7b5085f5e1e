#include "cli/detach.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace pitr::cli {
namespace {

constexpr int kFallbackMaxFd = 4096;

// PostgreSQL waits until the last holder of a pipe has closed it.
void CloseInherited() {
  const int null = open("/dev/null", O_RDWR);
  for (int fd = 0; fd < 3 && null >= 0; ++fd) dup2(null, fd);
#ifdef CLOSE_RANGE_UNSHARE
  if (close_range(3, ~0U, 0) == 0) return;
#endif
  for (int fd = 3; fd < kFallbackMaxFd; ++fd) close(fd);
}

}  // namespace

bool RunDetached(const std::function<void()>& body) {
  const pid_t child = fork();
  if (child < 0) return false;
  if (child > 0) {
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    return true;
  }
  // The server signals the process group of its restore_command; the new session is not in it.
  if (setsid() < 0 || fork() != 0) _exit(0);
  CloseInherited();
  for (int number : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGALRM, SIGCHLD}) signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (chdir("/") != 0) _exit(0);
  body();
  _exit(0);
}

}  // namespace pitr::cli
