/**
 * Words that people use as passwords and that logs are full of anyway, in lower case. Where one of them is hidden in a sentence, the gap
 * says what it is; so they are hidden only where they stand as values.
 */
export const commonSecrets: ReadonlySet<string> = new Set(
  `1234 12345 123456 1234567 12345678 123456789 1234567890 abc123 access admin administrator agent alpine apt arch bash boot bridge
   build builder centos changeit changeme cloud cloud-init command config console container data debian default demo devel disk docker
   example factory false fedora file files grub guest hello hidden hostname http https image imagefactory images install iso kernel
   letmein linux local localhost login main master mirror mock monkey mysql name network none null openstack operator opensuse oracle
   package packages passw0rd passwd password password1 postgres private production public qcow2 qemu qwerty raspberry redhat release
   repository rhel root rootpw running secret secure security server service setup shell staging start status stop stretch student
   super support suse system systemd target temp template test testing toor true ubuntu unknown update user username vagrant version
   virtual warning web welcome xfs x86_64 bookworm bullseye buster trixie amd64 ext4 vfat error failed package_not_found`.split(
    /\s+/,
  ),
);
