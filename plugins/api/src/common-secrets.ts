/**
 * Words that people use as passwords, and words that logs of builds are full of, in lower case. Where one of them is hidden in a sentence, the
 * gap says what it is; so they are hidden only where they stand as values.
 */
export const commonSecrets: ReadonlySet<string> = new Set(
  `1234 12345 123456 1234567 12345678 123456789 1234567890 abc123 access admin administrator agent alpine apt arch bash boot bridge
   build builder centos changeit changeme cloud cloud-init command config console container data debian default demo devel disk docker
   example factory false fedora file files grub guest hello hidden hostname http https image imagefactory images install iso kernel
   letmein linux local localhost login main master mirror mock monkey mysql name network none null openstack operator opensuse oracle
   package packages passw0rd passwd password password1 postgres private production public qcow2 qemu qwerty raspberry redhat release
   repository rhel root rootpw running secret secure security server service setup shell staging start status stop stretch student
   super support suse system systemd target temp template test testing toor true ubuntu unknown update user username vagrant version
   virtual warning web welcome xfs x86_64 bookworm bullseye buster trixie amd64 ext4 vfat error failed package_not_found
   about action additional after already alternatives apply archive archives automatically available back before begin broken cache cannot changed
   check checking clean command complete completed configured configuring connection copying could create created creating currently database
   default delete deleted denied dependencies dependency directories directory disabled does done download downloading enable enabled entries
   execution exit exited exist exists expected extracting fetched fetching filesystem filling find first following format found free from full
   generating given have held here ignored ignoring information initrd installed installing invoke journal last left library line list lists
   load loading made make making manual missing mode more mount must need needed next none nothing notice number only open operation option
   options partition partitions path permission please policy preparing previously processing program progress protocol provide read reading
   ready recommended refused removed removing required resolve result root rule running same script selecting selected setting should signal
   since size skipping socket space state step stopped such suggested superblocks symlink table terminated that them there they this time timeout
   total trigger triggers type unable unpack unpacking until updating upgraded using value wait waiting want warnings were what when where which
   will with without work working would write writing written zero`.split(/\s+/),
);
