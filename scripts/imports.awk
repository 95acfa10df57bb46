# Holds every import against Package.swift. Reads `swift package describe --type text`, then the output
# of grep for import lines (file:number:line); prints what is wrong, and exits with 1 if anything is.
#
# SwiftPM's own check lets a target import whatever its dependencies depend on, and a build without it
# whatever happens to lie in the build folder.

BEGIN {
  split("Foundation FoundationEssentials FoundationXML Dispatch Glibc Musl Darwin Synchronization System Testing", list)
  for (i in list) system_modules[list[i]] = 1
}

# The description: targets with their path and dependencies, each list indented below its title.
FNR == NR {
  if ($1 == "Name:") target = $2
  else if ($1 == "Path:") folder[target] = $2
  else if (/^    [A-Z].*:/) in_list = /^    (Target|Product) dependencies:/
  else if (in_list && NF == 1) {
    depends[target, $1] = 1
    # A module has no hyphens.
    if (gsub(/-/, "_", $1)) depends[target, $1] = 1
  }
  next
}

# What the node links must do without the whole of Foundation: it costs a process some tens of MiB.
FNR == 1 { reach("wafer-node") }

{
  split($0, place, ":")
  module = $0
  sub(/^[^:]*:[^:]*:/, "", module)
  sub(/.*import +((struct|class|enum|protocol|func|let|var|typealias) +)?/, "", module)
  sub(/[. ].*/, "", module)
  owner = ""
  for (name in folder) if (index(place[1], folder[name] "/") == 1) owner = name
  if (owner == "") next
  if (module in system_modules) {
    if (module == "Foundation" && owner in linked) report("the node links it, without Foundation")
  } else if (!((owner, module) in depends)) {
    report("Package.swift does not name " module " as a dependency of " owner)
  }
}

END { exit wrong > 0 }

function reach(name, key, parts) {
  if (name in linked) return
  linked[name] = 1
  for (key in depends) {
    split(key, parts, SUBSEP)
    if (parts[1] == name && parts[2] in folder) reach(parts[2])
  }
}

function report(reason) {
  printf "%s:%s: import %s: %s\n", place[1], place[2], module, reason
  wrong++
}
