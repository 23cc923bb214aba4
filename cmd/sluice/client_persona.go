package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// usualProfile is the profile of people who have one only.
const usualProfile = "default"

// profilePath picks whom a command speaks as: --profile, --as, the environment, the profile in use.
func (c *call) profilePath() (string, error) {
	if as := c.flag("as"); as != "" {
		return personaPath(as)
	}
	for _, named := range []string{c.flag("profile"), os.Getenv("SLUICE_PROFILE")} {
		if named != "" {
			return namedProfile(named)
		}
	}
	folder, err := configFolder()
	if err != nil {
		return "", err
	}
	return profileFile(folder, profileInUse(folder)), nil
}

// namedProfile takes the name of a profile, or the path of a file: whatever holds a slash or ends in .json.
func namedProfile(named string) (string, error) {
	if strings.ContainsRune(named, filepath.Separator) || filepath.Ext(named) == ".json" {
		return named, nil
	}
	if !profileName(named) {
		return "", usage("profile.bad_name", "name", named)
	}
	folder, err := configFolder()
	return profileFile(folder, named), err
}

// profileName tells whether a text can name a profile: letters, digits, - and _, so that it stays in its folder.
func profileName(name string) bool {
	return name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == ""
}

// configFolder is where profiles lie: ~/.config/sluice, by the XDG base directory specification.
func configFolder() (string, error) {
	folder, err := os.UserConfigDir()
	if err != nil {
		return "", usage("profile.no_home")
	}
	return filepath.Join(folder, "sluice"), nil
}

func profilesFolder(folder string) string { return filepath.Join(folder, "profiles") }

func profileFile(folder, name string) string {
	return filepath.Join(profilesFolder(folder), name+".json")
}

// useFile names the profile in use.
func useFile(folder string) string { return filepath.Join(folder, "profile") }

// profileInUse is what `sluice profile use` chose. A name that is none counts as no choice.
func profileInUse(folder string) string {
	body, err := os.ReadFile(useFile(folder))
	if name := strings.TrimSpace(string(body)); err == nil && profileName(name) {
		return name
	}
	return usualProfile
}

// personaPath finds a person of an instance that was left running (`make up`), by login or by their part in it.
func personaPath(login string) (string, error) {
	folder := peopleFolder()
	if folder == "" {
		return "", usage("persona.no_folder")
	}
	known := profilesIn(folder)
	if !slices.Contains(known, login) {
		return "", usage("persona.unknown", "login", login, "folder", folder, "known", orDash(strings.Join(known, ", ")))
	}
	return filepath.Join(folder, login+".json"), nil
}

// peopleFolder is where such people's profiles lie: SLUICE_PEOPLE, else build/up/people here or further up.
func peopleFolder() string {
	if folder := os.Getenv("SLUICE_PEOPLE"); folder != "" {
		return folder
	}
	here, err := os.Getwd()
	for err == nil {
		folder := filepath.Join(here, "build", "up", "people")
		if info, errStat := os.Stat(folder); errStat == nil && info.IsDir() {
			return folder
		}
		above := filepath.Dir(here)
		if above == here {
			break
		}
		here = above
	}
	return ""
}

// profilesIn lists the names of the profile files in a folder, sorted.
func profilesIn(folder string) []string {
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil {
		return nil
	}
	names := make([]string, 0, len(files))
	for _, file := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(file), ".json"))
	}
	return names
}
