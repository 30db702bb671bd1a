import { expect } from 'chai';
import { describe, it } from 'mocha';
import { grubConfiguration, patchBiosGrub } from './grub.js';
import { diskLayout, sfdiskScript } from './layout.js';

const mebibyte = 1024 * 1024;

describe('diskLayout', () => {
  it('rounds up to a mebibyte and leaves room for both partition tables', () => {
    const { size, biosBoot, efiSystem, root } = diskLayout(64 * mebibyte + 1);
    expect(size).to.equal(65 * mebibyte);
    expect(biosBoot.start).to.equal(34 * 512);
    expect(biosBoot.start + biosBoot.size).to.equal(efiSystem.start);
    expect(efiSystem.start + efiSystem.size).to.equal(root.start);
    expect(root.start + root.size).to.equal(size - mebibyte);
  });

  it('is written for sfdisk in sectors, with the numbers of the cloud images', () => {
    expect(sfdiskScript(diskLayout(64 * mebibyte)).split('\n')).to.include.members([
      'label: gpt',
      '14 : start=34, size=2014, type=21686148-6449-6E6F-744E-656564454649, name="bios"',
      '15 : start=2048, size=16384, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, name="efi"',
      '1 : start=18432, size=110592, type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709, name="root"',
    ]);
  });
});

describe('patchBiosGrub', () => {
  const layout = diskLayout(64 * mebibyte);

  it('says where the next part starts and leaves the partition table alone', () => {
    const [boot, core] = patchBiosGrub(Buffer.alloc(512, 0xaa), Buffer.alloc(2048), layout);
    expect(boot?.offset).to.equal(0);
    expect(boot?.data).to.have.length(440);
    expect(Buffer.from(boot!.data).readBigUInt64LE(0x5c)).to.equal(34n);
    expect(core?.offset).to.equal(34 * 512);
    expect(Buffer.from(core!.data).readBigUInt64LE(0x1f4)).to.equal(35n);
  });

  it('refuses a core image that does not fit', () => {
    expect(() => patchBiosGrub(Buffer.alloc(512), Buffer.alloc(mebibyte), layout)).to.throw('core image');
  });
});

describe('grubConfiguration', () => {
  it('adds the kernel parameters, each as one word', () => {
    expect(grubConfiguration(' quiet  a="b;c" ')).to.contain("net.ifnames=0 'quiet' 'a=\"b;c\"'\ninitrd");
    expect(grubConfiguration(undefined)).to.contain('net.ifnames=0\ninitrd');
    expect(() => grubConfiguration("a='b'")).to.throw('/template/os/kernelparam');
  });
});
