//! What the chores need beside Rust: Debian's packages, and Python's and npm's in folders of their own
//! under `target/tools`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::step::{command, read, root};

/// Where Debian puts ChromeDriver.
pub const CHROMEDRIVER: &str = "/usr/bin/chromedriver";

/// Installs Debian's `packages` unless they are there.
pub fn debian(packages: &[&str]) -> Result<()> {
    let missing: Vec<&str> = packages.iter().copied().filter(|name| !is_installed(name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.join(" ");
    let install = || -> Result<()> {
        read(&mut command("apt-get", &["update", "-qq"]))?;
        let mut install = command("apt-get", &["install", "-y", "-qq", "--no-install-recommends"]);
        read(install.args(&missing).env("DEBIAN_FRONTEND", "noninteractive"))?;
        Ok(())
    };
    install().with_context(|| format!("cannot install {names}; install them as root: apt-get install {names}"))
}

fn is_installed(package: &str) -> bool {
    let status = read(&mut command("dpkg-query", &["--show", "--showformat=${Status}", package]));
    status.is_ok_and(|text| text == "install ok installed")
}

/// A folder under `target/tools` with the packages of `infra/xtask/tools/<list>`, made anew only when the list changes.
/// Gives the folder of its programs.
pub fn python(name: &str, list: &str) -> Result<PathBuf> {
    let home = root().join("target/tools").join(name);
    let list = root().join("infra/xtask/tools").join(list);
    let wanted = fs::read_to_string(&list).with_context(|| list.display().to_string())?;
    let stamp = home.join("installed.txt");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(home.join("bin"));
    }
    install(&home, &list).with_context(|| format!("cannot install the Python packages of {}", list.display()))?;
    fs::write(&stamp, wanted)?;
    Ok(home.join("bin"))
}

fn install(home: &Path, list: &Path) -> Result<()> {
    let (home_text, list_text) = (text(home)?, text(list)?);
    read(&mut command("python3", &["-m", "venv", "--clear", home_text]))?;
    let pip = home.join("bin/pip");
    read(&mut command(pip, &["install", "--quiet", "--no-deps", "--requirement", list_text]))?;
    Ok(())
}

/// The script of axe-core, which judges whether a page can be used by everybody: the one file of the package.
pub fn axe_core() -> Result<()> {
    const PACKAGE: &str = "axe-core@4.14.1";
    let home = root().join("target/tools/axe-core");
    if home.join(PACKAGE).is_file() {
        return Ok(());
    }
    fs::create_dir_all(&home)?;
    let install = || -> Result<()> {
        let archive = read(&mut command("npm", &["pack", "--silent", "--pack-destination", text(&home)?, PACKAGE]))?;
        let archive = home.join(archive.trim());
        let unpack = ["--extract", "--gzip", "--file", text(&archive)?, "--directory", text(&home)?];
        read(command("tar", &unpack).arg("package/axe.min.js"))?;
        fs::rename(archive, home.join(PACKAGE))?;
        Ok(())
    };
    install().with_context(|| format!("cannot install {PACKAGE}; npm is needed for it"))
}

/// A path as text: the tools that it is given to take nothing else.
pub fn text(path: &Path) -> Result<&str> {
    match path.to_str() {
        Some(text) => Ok(text),
        None => bail!("{} is not UTF-8", path.display()),
    }
}
