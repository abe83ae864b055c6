/** What is inside the room of one process, as a container runtime would put it there. */
export interface ImageRoom {
  /** Folder that `npm run build` wrote: /app. */
  readonly app: string;
  /** User and group. */
  readonly user: number;
  /** Such as NET_ADMIN; no others. */
  readonly powers: readonly string[];
  /** Folder of this machine by path inside. */
  readonly writable: ReadonlyMap<string, string>;
  readonly readable: ReadonlyMap<string, string>;
}

/** A folder that every Linux has; what is there is hidden in the room alone. */
const ROOT = "/mnt";
const NODE = "/nodejs/bin/node";

// Its own file system, in memory: of this machine there are the programs, and nothing of /etc, /home, /tmp or the checkout.
const BUILD = `
mount -t tmpfs -o mode=755 isthmus ${ROOT}
for folder in /bin /sbin /lib /lib64 /usr; do
  if [ -L $folder ]; then cp -P $folder ${ROOT}$folder
  elif [ -d $folder ]; then mkdir ${ROOT}$folder; mount --bind $folder ${ROOT}$folder; mount -o remount,bind,ro ${ROOT}$folder
  fi
done
mkdir -p ${ROOT}/nodejs/bin ${ROOT}/proc ${ROOT}/dev
touch ${ROOT}${NODE}
mount --bind "$NODE" ${ROOT}${NODE}
mount --rbind /proc ${ROOT}/proc
mount --rbind /dev ${ROOT}/dev
mount --bind /proc/sys ${ROOT}/proc/sys
mount -o remount,bind,ro ${ROOT}/proc/sys
user=$1 powers=$2
shift 2
while [ "$1" != -- ]; do
  mkdir -p "${ROOT}$3"
  mount --bind "$2" "${ROOT}$3"
  mount -o "remount,bind,$1" "${ROOT}$3"
  shift 3
done
shift
mount -o remount,ro ${ROOT}
exec chroot ${ROOT} /usr/bin/setpriv --reuid "$user" --regid "$user" --clear-groups --no-new-privs \\
  --inh-caps=-all --bounding-set "$powers" "$@"
`;

/**
 * The command line that runs a program in such a room, as root: with a root file system that is read-only, as that user, without
 * powers but the named ones. The process becomes the program, and the room goes with it.
 * @param program of the room; our own is `[NODE, "/app/bin/isthmus.mjs", ...]`
 */
export function inImageRoom(room: ImageRoom, program: readonly string[]): readonly string[] {
  const mounts = [
    ...["ro", room.app, "/app"],
    ...[...room.readable].flatMap(([path, folder]) => ["ro", folder, path]),
    ...[...room.writable].flatMap(([path, folder]) => ["rw", folder, path]),
  ];
  const powers = ["-all", ...room.powers.map((power) => `+${power.toLowerCase()}`)].join(",");
  return [
    ...["unshare", "--mount", "--propagation", "private", "env", `NODE=${process.execPath}`],
    ...["sh", "-euc", BUILD, "sh", String(room.user), powers, ...mounts, "--", ...program],
  ];
}

/** The program of the build in that room. */
export function isthmusInRoom(args: readonly string[]): readonly string[] {
  return [NODE, "/app/bin/isthmus.mjs", ...args];
}

/** A few lines of JavaScript there. */
export function scriptInRoom(text: string): readonly string[] {
  return [NODE, "-e", text];
}
