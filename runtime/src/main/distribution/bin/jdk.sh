# Sourced by ./doorbell and bin/doorbell: finds a JDK of at least version 25 and exports it as JAVA_HOME.

doorbell_jdk_version=25

# 0 if $1 holds a JDK that is new enough. The release file answers without starting a JVM.
doorbell_jdk_fits() {
    [ -x "$1/bin/java" ] && [ -x "$1/bin/javac" ] && [ -r "$1/release" ] || return 1
    local version
    version=$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$1/release")
    [ "${version:-0}" -ge "$doorbell_jdk_version" ]
}

doorbell_find_jdk() {
    local candidate path_java
    path_java=$(command -v java) && path_java=$(dirname "$(dirname "$(readlink -f "$path_java")")")
    for candidate in "${JAVA_HOME:-}" "${path_java:-}" /usr/lib/jvm/*25*; do
        if [ -n "$candidate" ] && doorbell_jdk_fits "$candidate"; then
            export JAVA_HOME=$candidate
            return 0
        fi
    done
    cat >&2 <<EOF
doorbell: no JDK $doorbell_jdk_version or newer found (looked at JAVA_HOME, java on the PATH, /usr/lib/jvm/*25*).
Install one, for example Eclipse Temurin: https://adoptium.net/temurin/releases/?version=25
or the package temurin-25-jdk or openjdk-25-jdk of your distribution; then set JAVA_HOME if it is elsewhere.
EOF
    return 1
}
